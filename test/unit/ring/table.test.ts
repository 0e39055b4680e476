import fc from "fast-check";
import { expect, test } from "vitest";
import { tier } from "../../support/tier.ts";
import { buildRing } from "../../../src/ring/build.ts";
import type { ShardSpec } from "../../../src/ring/descriptor.ts";
import { xxHash32 } from "../../../src/ring/hash.ts";
import { type Placement, ringPlacement } from "../../../src/ring/placement.ts";
import { SLOT_COUNT, slotStart } from "../../../src/ring/table.ts";
import { arbitraryCluster, CLIENT_REGIONS, describe, nameSet, ownersOfSlots, shard } from "./cluster.ts";
import { anyText } from "../any-text.ts";

test("[RG1] the table of one descriptor stays, bit for bit, what it was in earlier releases", () => {
  const shards = nameSet(0, 64).map((id, index) => shard(id, { weight: (index % 64) + 1 }));
  const table = buildRing(describe(shards, { seed: 2026 })).table("weur") ?? new Uint16Array();
  const bytes = Uint8Array.from([...table].flatMap((index) => [index & 0xff, index >>> 8]));
  expect(bytes.length).toBe(2 * SLOT_COUNT);
  expect(xxHash32(bytes, 0)).toBe(486395564);
});

test("[RG1] the order of the list changes neither the digest nor a table", () => {
  const clusterAndShuffle = arbitraryCluster({ min: 1, max: 100 }).chain((descriptor) =>
    fc.tuple(
      fc.constant(descriptor),
      fc.shuffledSubarray([...descriptor.shards], { minLength: descriptor.shards.length }),
    ),
  );
  fc.assert(
    fc.property(clusterAndShuffle, ([descriptor, shards]) => {
      const one = buildRing(descriptor);
      const other = buildRing({ ...descriptor, shards });
      expect(other.digest).toBe(one.digest);
      expect(other.regions()).toEqual(one.regions());
      for (const region of one.regions()) expect(sameBits(other.table(region), one.table(region))).toBe(true);
    }),
  );
});

test("[RG1] each slot belongs to the first point at or after its start, as on a sorted circle", () => {
  fc.assert(
    fc.property(arbitraryCluster({ min: 1, max: 12 }), (descriptor) => {
      const ring = buildRing(descriptor);
      for (const region of ring.regions()) {
        const members = ring.descriptor.shards.filter(
          (one) => one.region === region && one.state === "active",
        );
        expect(ownersOfSlots(ring, region)).toEqual(classicOwners(members, ring.placement));
      }
    }),
    { numRuns: tier({ quick: 8, release: 60 }) },
  );
});

test("[RG1] of two points in one place the lower shard id owns the slot, in any order of the list", () => {
  const placement: Placement = {
    ...ringPlacement(0),
    points: ({ id }) => (id === "z" ? [0] : [0x8000_0001]),
  };
  for (const ids of [
    ["a", "b", "z"],
    ["z", "b", "a"],
  ]) {
    const owners = ownersOfSlots(buildRing(describe(ids.map((id) => shard(id))), placement), "weur");
    expect(owners[0x8000]).toBe("a");
    expect(owners.includes("b")).toBe(false);
  }
});

test("[RG1] a point on the first position of a slot owns it, and the last slots wrap to the first point", () => {
  const placement: Placement = {
    ...ringPlacement(0),
    points: ({ id }) => (id === "a" ? [slotStart(100)] : [slotStart(200) + 1]),
  };
  const owners = ownersOfSlots(buildRing(describe([shard("a"), shard("b")]), placement), "weur");
  expect([owners[0], owners[100], owners[101], owners[200], owners[201], owners[SLOT_COUNT - 1]]).toEqual([
    "a",
    "a",
    "b",
    "b",
    "a",
    "a",
  ]);
});

test("[RG1] a key is owned by the shard that the table names for its slot", () => {
  const keys = fc.array(anyText(), { minLength: 10, maxLength: 10 });
  fc.assert(
    fc.property(
      arbitraryCluster({ min: 1, max: 20 }),
      keys,
      fc.constantFrom(...CLIENT_REGIONS),
      (cluster, some, region) => {
        const ring = buildRing(cluster);
        const owners = ownersOfSlots(ring, region);
        for (const key of some) {
          expect(ring.slot(key)).toBe(ring.placement.hash(key) >>> 16);
          expect(ring.owner(key, region)?.id ?? "nobody").toBe(owners[ring.slot(key)]);
        }
      },
    ),
    { numRuns: tier({ quick: 8, release: 80 }) },
  );
});

/** The ring of the textbook: all points sorted, and for each slot a walk to the first one. */
function classicOwners(shards: readonly ShardSpec[], placement: Placement): string[] {
  const points = shards
    .flatMap((one) => Array.from(placement.points(one), (position) => ({ position, id: one.id })))
    .toSorted((a, b) => a.position - b.position || (a.id < b.id ? -1 : 1));
  const owners: string[] = [];
  let next = 0;
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    while ((points[next]?.position ?? Infinity) < slot * 65_536) next++;
    owners.push((points[next] ?? points[0])?.id ?? "nobody");
  }
  return owners;
}

// The runner's own comparison of 65,536 numbers takes longer than to build them.
const sameBits = (a: Uint16Array | undefined, b: Uint16Array | undefined): boolean =>
  a !== undefined && b !== undefined && Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer)) === 0;
