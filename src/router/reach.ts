import { shardAddress } from "../contracts/address.ts";
import { CONTRACT } from "../contracts/version.ts";
import { isOverloaded, shardStub, within } from "../platform/calls.ts";
import type { Ring } from "../ring/ring.ts";

/** For how long a region that did not answer is passed by. The coordinator decides in about this time. */
const SILENT_MS = 10_000;
/** For how long a region that answered is not asked again. */
const ANSWERED_MS = 3_000;
const ASK_MS = 2_000;
/** So many shards of a region are asked, where one has not answered. */
const ASKED = 2;

type Verdict = { readonly isSilent: boolean; readonly until: number };

/** The regions of which a shard has not answered this isolate, and whether the others did (SPEC EL42). */
export type Verdicts = Map<string, Verdict>;

/** Whether an upgrade passes a region by. After a while one caller is to try it again, and the others pass it by. */
export function passesBy(verdicts: Verdicts, region: string, now: number): boolean {
  const verdict = verdicts.get(region);
  if (verdict?.isSilent !== true) return false;
  if (now < verdict.until) return true;
  verdicts.set(region, { isSilent: true, until: now + SILENT_MS });
  return false;
}

/** A shard of a region that is down has not answered: the region is passed by for a while. */
export const passBy = (verdicts: Verdicts, region: string, now: number): void =>
  void verdicts.set(region, { isSilent: true, until: now + SILENT_MS });

/** A shard has not answered: whether others of its region do not either. An overloaded one is there. */
export async function isSilent(
  env: RingcastEnv,
  { front, region, id }: { readonly front: string; readonly region: string; readonly id: string },
  { ring, verdicts }: { readonly ring: Ring; readonly verdicts: Verdicts },
): Promise<boolean> {
  const verdict = verdicts.get(region);
  if (verdict !== undefined && Date.now() < verdict.until) return verdict.isSilent;
  const others = ring.descriptor.shards.filter(
    (shard) => shard.region === region && shard.state === "active" && shard.id !== id,
  );
  const answers = await Promise.all(
    others.slice(0, ASKED).map(async (shard) => {
      try {
        await within(ASK_MS, shardStub(env, shardAddress(front, shard)).status(CONTRACT));
        return true;
      } catch (error) {
        return isOverloaded(error);
      }
    }),
  );
  const noneAnswered = !answers.includes(true);
  const forMs = noneAnswered ? SILENT_MS : ANSWERED_MS;
  verdicts.set(region, { isSilent: noneAnswered, until: Date.now() + forMs });
  return noneAnswered;
}
