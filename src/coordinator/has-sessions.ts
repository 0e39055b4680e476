import type { ShardAddress } from "../contracts/address.ts";
import { CONTRACT } from "../contracts/version.ts";
import { askAll } from "../fanout/ask-all.ts";

/** Whether a shard's objects have sessions. Throws where one does not answer, so that the caller asks again. */
export async function hasSessions(
  env: RingcastEnv,
  objects: readonly ShardAddress[],
  waitMs: number,
): Promise<boolean> {
  const { answers, silent } = await askAll(env, objects, { waitMs, ask: (stub) => stub.status(CONTRACT) });
  if (silent.length > 0)
    throw new Error(`no answer from the fronts ${silent.map(({ front }) => front).join(", ")}`);
  return [...answers.values()].some(({ sessions }) => sessions > 0);
}
