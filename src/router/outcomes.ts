import { shardOfObject } from "../contracts/address.ts";
import type { Outcome } from "../contracts/orders.ts";

type ObjectOutcome = {
  /** The name of the shard's object; every front of a shard has an object of this name. */
  readonly name: string;
  readonly ok: boolean;
  readonly delivered: number;
  readonly ms: number;
  readonly pending?: boolean;
};

/** The outcomes of an order, one for each shard over all of its fronts, as the server API shows them. */
export function describeOutcomes(outcomes: readonly ObjectOutcome[]) {
  const byName = Map.groupBy(outcomes, ({ name }) => name);
  return [...byName].map(([name, ofFronts]) => {
    const { id, region } = shardOfObject(name);
    return {
      shard: id,
      region,
      ok: ofFronts.every(({ ok }) => ok),
      delivered: ofFronts.reduce((sum, { delivered }) => sum + delivered, 0),
      ms: Math.max(...ofFronts.map(({ ms }) => ms)),
      ...(ofFronts.some(({ pending }) => pending === true) ? { pending: true } : {}),
    };
  });
}

/** The ids of the shards that an order did not reach. */
export const unreachedIds = (outcomes: readonly Outcome<unknown>[]): string[] => [
  ...new Set(outcomes.filter(({ done }) => done === null).map(({ name }) => shardOfObject(name).id)),
];
