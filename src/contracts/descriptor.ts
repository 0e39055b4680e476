import type { Descriptor, FormerShard } from "../ring/descriptor.ts";

/** The first contract whose descriptors name earlier ones, and shards that were removed. */
const NAMES_EARLIER = 3;

/** A descriptor in an answer, in the shape of the caller's contract (SPEC CT1). */
export function descriptorFor(contract: number, descriptor: Descriptor): Descriptor {
  if (contract >= NAMES_EARLIER) return descriptor;
  const { earlier: _earlier, former: _former, ...sent } = descriptor;
  return sent;
}

/** Whether there is an object of such a shard, as far as a descriptor tells. */
export const hasShard = ({ shards, former = [] }: Descriptor, { id, region }: FormerShard): boolean =>
  [...shards, ...former].some((shard) => shard.id === id && shard.region === region);
