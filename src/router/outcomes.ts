import { shardOfObject } from "../contracts/address.ts";
import type { Outcome } from "../contracts/orders.ts";

/** The outcome of an order at one shard, as the server API shows it. */
export function describeOutcome({
  name,
  pending,
  ...outcome
}: {
  readonly name: string;
  readonly ok: boolean;
  readonly delivered: number;
  readonly ms: number;
  readonly pending?: boolean;
}) {
  const { id, region } = shardOfObject(name);
  return { shard: id, region, ...outcome, ...(pending === true ? { pending } : {}) };
}

/** The ids of the shards that an order did not reach. */
export const unreachedIds = (outcomes: readonly Outcome<unknown>[]): string[] => [
  ...new Set(outcomes.filter(({ done }) => done === null).map(({ name }) => shardOfObject(name).id)),
];
