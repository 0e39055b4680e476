import fc from "fast-check";
import { expect, test } from "vitest";
import { buildRing } from "../../../src/ring/build.ts";
import { diff } from "../../../src/ring/diff.ts";
import { ringPlacement } from "../../../src/ring/placement.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import { slotStart } from "../../../src/ring/table.ts";
import { arbitraryCluster, CLIENT_REGIONS, describe, ownersOfSlots, shard } from "./cluster.ts";
import { anyText } from "../any-text.ts";

const anyKey = anyText();
const anyRegion = fc.constantFrom(...CLIENT_REGIONS);

test("[RG7] the owners are distinct, of the serving region, and the first is the owner", () => {
  fc.assert(
    fc.property(
      arbitraryCluster({ min: 1, max: 40 }),
      anyKey,
      anyRegion,
      fc.integer({ min: 1, max: 8 }),
      (cluster, key, region, limit) => {
        const ring = buildRing(cluster);
        const owners = ring.owners(key, region, limit);
        expect(new Set(owners.map((one) => one.id)).size).toBe(owners.length);
        expect(owners[0]).toBe(ring.owner(key, region));
        expect(owners.every((one) => one.state === "active" && one.region === ring.regionOf(region))).toBe(
          true,
        );
        const members = cluster.shards.filter(
          (one) => one.state === "active" && one.region === ring.regionOf(region),
        );
        expect(owners.length).toBe(Math.min(limit, members.length));
      },
    ),
  );
});

test("[RG7] the owners come in the order in which their slots are met, past the last slot too", () => {
  const points = new Map([
    ["a", [slotStart(10)]],
    ["b", [slotStart(20)]],
    ["c", [slotStart(65_000)]],
  ]);
  const ring = buildRing(describe(["a", "b", "c"].map((id) => shard(id))), {
    hash: (key) => slotStart(Number(key)),
    points: ({ id }) => points.get(id) ?? [],
  });
  const ids = (key: string, limit?: number) => ring.owners(key, "weur", limit).map((one) => one.id);
  expect(ids("15")).toEqual(["b", "c", "a"]);
  expect(ids("65000")).toEqual(["c", "a", "b"]);
  expect(ids("65001")).toEqual(["a", "b", "c"]);
  expect(ids("15", 2)).toEqual(["b", "c"]);
  expect(ids("15", 0)).toEqual([]);
});

test("[RG7] a shard without a slot is no owner, and the walk still ends", () => {
  const ring = buildRing(describe([shard("a"), shard("b")]), { ...ringPlacement(0), points: () => [5] });
  expect(ring.owners("key", "weur").map((one) => one.id)).toEqual(["a"]);
});

test("[RG7] three owners are named unless another number is asked for", () => {
  const ring = buildRing(describe(["a", "b", "c", "d", "e"].map((id) => shard(id))));
  expect(ring.owners("key", "weur")).toHaveLength(3);
});

test("[RG7] an explanation agrees with the owners and names the point that decided", () => {
  fc.assert(
    fc.property(arbitraryCluster({ min: 1, max: 20 }), anyKey, anyRegion, (cluster, key, region) => {
      const ring = buildRing({ ...cluster, epoch: 9 });
      const explained = ring.explain(key, region);
      const [owner, ...next] = ring.owners(key, region).map((one) => one.id);
      expect(explained).toEqual({
        key,
        hash: ring.placement.hash(key),
        slot: ring.slot(key),
        ringEpoch: 9,
        clientRegion: region,
        region: ring.regionOf(region) ?? null,
        owner: owner ?? null,
        nextOwners: next,
        point: decidingPoint(ring, key, region),
      });
      expect(JSON.parse(JSON.stringify(explained))).toEqual(explained);
      expect(explained.owner ?? "nobody").toBe(ownersOfSlots(ring, region)[explained.slot]);
    }),
    { numRuns: 50 },
  );
});

/** The nearest of all the points of the region, clockwise from the slot's start; the lower id wins a tie. */
function decidingPoint(ring: Ring, key: string, clientRegion: string) {
  const start = ring.slot(key) * 65_536;
  const members = ring.descriptor.shards.filter(
    (one) => one.state === "active" && one.region === ring.regionOf(clientRegion),
  );
  const points = members.flatMap((one) =>
    Array.from(ring.placement.points(one), (position, index) => ({ position, shard: one.id, index })),
  );
  const clockwise = (position: number): number =>
    position >= start ? position - start : position - start + 2 ** 32;
  const [nearest] = points.toSorted((a, b) => clockwise(a.position) - clockwise(b.position));
  return nearest ?? null;
}

test("[SM6] equal descriptors share a ring, which no caller changes, and few rings are kept", () => {
  const cluster = () =>
    describe([shard("a"), shard("b", { weight: 3 })], { earlier: [describe([shard("a")])] });
  const changed = cluster();
  const ring = buildRing(changed);
  Object.assign(changed.shards[0] ?? {}, { id: "z" });
  expect(ring.descriptor).toEqual(cluster());
  expect(buildRing(changed)).not.toBe(ring);
  expect(buildRing(cluster())).toBe(ring);
  expect(diff(ring, buildRing(describe([shard("b")])))).toBe(diff(ring, buildRing(describe([shard("b")]))));
  expect(buildRing({ ...cluster(), earlier: [] })).not.toBe(ring);
  expect(buildRing(cluster(), ringPlacement(0))).not.toBe(ring);
  for (let epoch = 2; epoch < 10; epoch++) buildRing(describe([shard("a")], { epoch }));
  expect(buildRing(cluster())).not.toBe(ring);
  expect(() => buildRing(describe([shard("a", { weight: Number.NaN })]))).toThrow("badWeight");
});
