import { addressKey, type ShardAddress } from "../contracts/address.ts";
import type { ClusterReport, ShardReport } from "../contracts/coordinator.ts";
import type { ShardStatus } from "../contracts/shard.ts";
import { CONTRACT } from "../contracts/version.ts";
import { askAll } from "../fanout/ask-all.ts";
import { buildRing } from "../ring/build.ts";
import { idsOf, type Members } from "./members.ts";
import type { RingShard, Store } from "./store.ts";

/** The cluster as of now. A shard that does not answer within `waitMs` shows what it last reported. */
export async function askStatus(
  env: RingcastEnv,
  parts: {
    readonly store: Store;
    readonly members: Members;
    readonly waitMs: number;
    /** The weights that joining shards will have, by id. */
    readonly joining: ReadonlyMap<string, number>;
    readonly contract: number;
  },
): Promise<ClusterReport> {
  const { store, members, waitMs, joining, contract } = parts;
  const { answers } = await askAll(env, members.holders(), {
    waitMs,
    ask: (stub) => stub.status(CONTRACT),
  });
  // Read after the answers: the ring may have changed while the shards were asked.
  const { descriptor } = store;
  const ring = buildRing(descriptor);
  const share = ring.share();
  const now = Date.now();
  const seen = (object: ShardAddress) => {
    const fresh = answers.get(addressKey(object));
    if (fresh !== undefined) return { status: fresh, ageMs: 0, fresh: true };
    const last = store.lastReport(object);
    return last === undefined ? undefined : { status: last.status, ageMs: now - last.at, fresh: false };
  };
  const report = (shard: RingShard): Pick<ShardReport, "status" | "seenAgeMs" | "reachable"> => {
    const objects = members.objectsOf(shard).map(seen);
    const known = objects.filter((one) => one !== undefined);
    return {
      status: statusFor(contract, mergeStatus(known.map(({ status }) => status))),
      seenAgeMs: known.length === 0 ? null : Math.max(...known.map(({ ageMs }) => ageMs)),
      reachable: objects.every((one) => one?.fresh === true),
    };
  };
  return {
    ringEpoch: descriptor.epoch,
    digest: ring.digest,
    seed: descriptor.seed,
    defaultRegion: descriptor.defaultRegion,
    shards: [
      ...ring.descriptor.shards.map((shard) => ({
        ...shard,
        ...(joining.has(shard.id) ? { fullWeight: joining.get(shard.id) ?? shard.weight } : {}),
        share: share.get(shard.id) ?? 0,
        ...report(shard),
      })),
      ...store.leaving().map((shard) => ({
        ...shard,
        weight: 0,
        state: "leaving" as const,
        share: 0,
        ...report(shard),
      })),
    ],
    untold: idsOf(store.untold()),
  };
}

/** One shard over its fronts: the sums of its counters, and the oldest ring that one of them goes by. */
export function mergeStatus(statuses: readonly ShardStatus[]): ShardStatus | null {
  const [first, ...rest] = statuses.map(
    ({ load: _load, usage: _usage, sentAt: _sentAt, ...status }) => status,
  );
  if (first === undefined) return null;
  return rest.reduce<ShardStatus>((sum, one) => {
    const older = one.ringEpoch < sum.ringEpoch ? one : sum;
    const guests = addCounts(sum.guests, one.guests);
    const droppedEvents = (sum.droppedEvents ?? 0) + (one.droppedEvents ?? 0);
    return {
      sessions: sum.sessions + one.sessions,
      users: sum.users + one.users,
      channels: sum.channels + one.channels,
      subscriptions: sum.subscriptions + one.subscriptions,
      wokeAt: Math.max(sum.wokeAt, one.wokeAt),
      ringEpoch: older.ringEpoch,
      digest: older.digest,
      ...(guests === undefined ? {} : { guests }),
      ...(droppedEvents === 0 ? {} : { droppedEvents }),
    };
  }, first);
}

/** Release 0.2.0 knows no guests. */
function statusFor(contract: number, status: ShardStatus | null): ShardStatus | null {
  if (status === null || contract >= CONTRACT) return status;
  const { guests: _guests, ...before } = status;
  return before;
}

/** The sums of two tables of counts; undefined where neither is known. */
function addCounts(
  some: Readonly<Record<string, number>> | undefined,
  others: Readonly<Record<string, number>> | undefined,
): Record<string, number> | undefined {
  if (some === undefined && others === undefined) return undefined;
  const sum: Record<string, number> = { ...some };
  for (const [id, count] of Object.entries(others ?? {})) sum[id] = (sum[id] ?? 0) + count;
  return sum;
}
