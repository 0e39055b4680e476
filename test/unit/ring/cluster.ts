import fc from "fast-check";
import { buildRing } from "../../../src/ring/build.ts";
import { checkShards, type Descriptor, MAX_WEIGHT, type ShardSpec } from "../../../src/ring/descriptor.ts";
import { mix32 } from "../../../src/ring/hash.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import { SLOT_COUNT } from "../../../src/ring/table.ts";

export function shard(id: string, over: Partial<ShardSpec> = {}): ShardSpec {
  return { id, region: "weur", weight: 16, state: "active", ...over };
}

export function describe(shards: readonly ShardSpec[], over: Partial<Descriptor> = {}): Descriptor {
  return { epoch: 1, seed: 0, shards, defaultRegion: "weur", ...over };
}

/** Names that look arbitrary and are the same in every run; two sets share none. */
export function nameSet(set: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${mix32(set + 1).toString(36)}-${index}`);
}

/** The owner of each slot as clients of a region see it, by id; "nobody" where no shard is active. */
export function ownersOfSlots(ring: Ring, clientRegion: string): string[] {
  const table = ring.table(ring.regionOf(clientRegion) ?? "");
  if (table === undefined) return Array.from({ length: SLOT_COUNT }, () => "nobody");
  return Array.from(table, (index) => ring.descriptor.shards[index]?.id ?? "unknown");
}

const arbitraryRegion = fc.constantFrom("weur", "enam", "apac");
const arbitraryState = fc.constantFrom(
  "active" as const,
  "active" as const,
  "active" as const,
  "draining" as const,
);

export const arbitraryShard = (id: string): fc.Arbitrary<ShardSpec> =>
  fc.record({
    id: fc.constant(id),
    region: arbitraryRegion,
    weight: fc.integer({ min: 1, max: MAX_WEIGHT }),
    state: arbitraryState,
  });

/** A descriptor of `min` to `max` shards in up to three regions, of any weight and state. */
export function arbitraryCluster({ min, max }: { min: number; max: number }): fc.Arbitrary<Descriptor> {
  return (
    fc
      .record({
        seed: fc.nat(0xffff_ffff),
        count: fc.integer({ min, max }),
        traits: fc.array(arbitraryShard(""), { minLength: 1, maxLength: 40, size: "max" }),
        defaultRegion: arbitraryRegion,
      })
      .map(({ seed, count, traits, defaultRegion }) => {
        // Traits repeat: a thousand shards drawn one by one would take longer than the ring itself.
        const shards = nameSet(seed, count).map((id, index) => ({
          ...shard(id),
          ...traits[index % traits.length],
          id,
        }));
        return describe(shards, { seed, defaultRegion });
      })
      // Of a thousand ids two collide once in 9,000 clusters; such a list is rightly refused.
      .filter((cluster) => checkShards(cluster).ok)
  );
}

export const CLIENT_REGIONS = ["weur", "enam", "apac", "elsewhere"] as const;

export function change(before: Ring, shards: readonly ShardSpec[]): Ring {
  return buildRing({ ...before.descriptor, epoch: before.descriptor.epoch + 1, shards });
}
