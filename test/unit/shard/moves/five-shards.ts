import fc from "fast-check";
import { buildRing } from "../../../../src/ring/build.ts";
import type { ShardSpec } from "../../../../src/ring/descriptor.ts";
import type { Ring } from "../../../../src/ring/ring.ts";
import { change, CLIENT_REGIONS, describe, shard } from "../../ring/cluster.ts";

export const KEY = "ann";
export const FIVE = buildRing(
  describe(
    ["a", "b", "c", "d", "e"].map((id) => shard(id)),
    { epoch: 7 },
  ),
);

/** The n-th of the shards that the key meets, the owner being 0. */
export function owner(n: number, ring: Ring = FIVE): ShardSpec {
  const found = ring.owners(KEY, "weur", ring.descriptor.shards.length)[n];
  if (found === undefined) throw new Error(`the key has no owner ${n}`);
  return found;
}

export const withState = (ring: Ring, id: string, state: ShardSpec["state"]): Ring =>
  change(
    ring,
    ring.descriptor.shards.map((one) => (one.id === id ? { ...one, state } : one)),
  );

export const without = (ring: Ring, id: string): Ring =>
  change(
    ring,
    ring.descriptor.shards.filter((one) => one.id !== id),
  );

export const arbitraryKey = fc.string({ minLength: 1, maxLength: 20 });
export const arbitraryClientRegion = fc.constantFrom(...CLIENT_REGIONS);
