import type { ShardAddress } from "../contracts/address.ts";
import { CONTRACT } from "../contracts/version.ts";
import { isOverloaded } from "../platform/calls.ts";
import { askAll } from "./ask-all.ts";

/**
 * The keys of the addresses of the shards that answer within `waitMs`. An overloaded shard is alive: its clients would
 * overload the next one.
 */
export async function whoAnswers(
  env: RingcastEnv,
  shards: Iterable<ShardAddress>,
  waitMs: number,
): Promise<ReadonlySet<string>> {
  const { answers } = await askAll(env, shards, {
    waitMs,
    ask: (stub) => stub.status(CONTRACT).catch(aliveIfOverloaded),
  });
  return new Set(answers.keys());
}

function aliveIfOverloaded(error: unknown): void {
  if (!isOverloaded(error)) throw error;
}
