import fc from "fast-check";
import { expect, test } from "vitest";
import { objectName } from "../../../src/contracts/address.ts";
import { hasShard } from "../../../src/contracts/descriptor.ts";
import { buildRing } from "../../../src/ring/build.ts";
import {
  checkShards,
  type Descriptor,
  digest,
  nextFormer,
  type ShardSpec,
} from "../../../src/ring/descriptor.ts";
import { hashKey } from "../../../src/ring/hash.ts";
import { arbitraryCluster, describe, shard } from "./cluster.ts";

test("[RG4] the digest of one descriptor stays what it was in earlier releases", () => {
  // Routers and shards of two releases run side by side during a deployment. Raise RING_ALGORITHM to change this.
  const pinned = describe([shard("a"), shard("b", { region: "enam", weight: 3, state: "draining" })], {
    epoch: 7,
    seed: 42,
  });
  expect(digest(pinned)).toBe("9882a8f3f27dbe2c");
});

const MUTATIONS: Record<string, (before: Descriptor, at: number) => Descriptor> = {
  epoch: (before) => ({ ...before, epoch: before.epoch + 1 }),
  seed: (before) => ({ ...before, seed: (before.seed + 1) >>> 0 }),
  defaultRegion: (before) => ({ ...before, defaultRegion: `${before.defaultRegion}2` }),
  "one id": (before, at) => withShard(before, at, (old) => ({ ...old, id: `${old.id}2` })),
  "one region": (before, at) => withShard(before, at, (old) => ({ ...old, region: `${old.region}2` })),
  "one weight": (before, at) => withShard(before, at, (old) => ({ ...old, weight: (old.weight % 64) + 1 })),
  "one state": (before, at) =>
    withShard(before, at, (old) => ({ ...old, state: old.state === "active" ? "draining" : "active" })),
  "a shard less": (before, at) => ({
    ...before,
    shards: before.shards.toSpliced(at % before.shards.length, 1),
  }),
  "a shard more": (before) => ({ ...before, shards: [...before.shards, shard("new")] }),
};

test.each(Object.entries(MUTATIONS))("[RG4] the digest detects another %s", (_, mutate) => {
  fc.assert(
    fc.property(arbitraryCluster({ min: 1, max: 30 }), fc.nat(), (before, at) => {
      expect(digest(mutate(before, at))).not.toBe(digest(before));
    }),
  );
});

test("[RG4] the digest detects a text that moves from one field to the next", () => {
  const one = describe([shard('a","b', { region: "c" })]);
  const two = describe([shard("a", { region: 'b","c' })]);
  expect(digest(one)).not.toBe(digest(two));
  expect(digest(one)).toMatch(/^[0-9a-f]{16}$/);
});

test("[RG5] an object's name holds its region, so a shard that changes region is another object", () => {
  expect(objectName(shard("s1", { region: "enam" }))).toBe("enam/s1");
});

test("[RG8] an id that occurs twice is refused", () => {
  const twice = describe([shard("a"), shard("b"), shard("a", { region: "enam" })]);
  expect(checkShards(twice)).toEqual({ ok: false, reason: { kind: "duplicateId", id: "a" } });
});

test("[RG8] an id whose hash equals another's is refused, and only under that seed", () => {
  // Found by search: one pair in 36 billion collides.
  expect(hashKey("shard-96311", 0)).toBe(hashKey("shard-190567", 0));
  const colliding = [shard("shard-96311"), shard("other"), shard("shard-190567")];
  expect(checkShards(describe(colliding))).toEqual({
    ok: false,
    reason: { kind: "hashCollision", id: "shard-190567", other: "shard-96311" },
  });
  expect(checkShards(describe(colliding, { seed: 1 }))).toEqual({ ok: true });
});

test.each([0, -1, 65, 1.5, NaN, Infinity])("[RG8] a weight of %d is refused", (weight) => {
  const checked = checkShards(describe([shard("a", { weight })]));
  expect(checked).toEqual({ ok: false, reason: { kind: "badWeight", id: "a", weight } });
});

test("[RG8] the weights from 1 to 64 and an empty list are accepted", () => {
  const weights = Array.from({ length: 64 }, (_, index) => shard(`s${index}`, { weight: index + 1 }));
  expect(checkShards(describe(weights))).toEqual({ ok: true });
  expect(checkShards(describe([]))).toEqual({ ok: true });
});

test("[RG8] more shards than a table can name are refused", () => {
  const most = 65_535;
  const shards = Array.from({ length: most + 1 }, (_, index) => shard(`s${index}`));
  expect(checkShards(describe(shards))).toEqual({ ok: false, reason: { kind: "tooManyShards", most } });
});

test("[RG8] no ring is built from shards that are refused", () => {
  expect(() => buildRing(describe([shard("a"), shard("a")]))).toThrow("duplicateId");
});

function withShard(before: Descriptor, at: number, mutate: (old: ShardSpec) => ShardSpec): Descriptor {
  const chosen = at % before.shards.length;
  return { ...before, shards: before.shards.map((old, index) => (index === chosen ? mutate(old) : old)) };
}

test("[SO46] a descriptor names the shards that were removed last, and its digest does not", () => {
  let present = describe([shard("a"), shard("b")]);
  for (let n = 0; n < 100; n++) {
    const shards = [shard("a"), shard(`c${n}`)];
    present = { ...present, shards, ...nextFormer(present, { shards }) };
  }
  expect(present.former?.slice(0, 2)).toEqual([
    { id: "c98", region: "weur" },
    { id: "c97", region: "weur" },
  ]);
  expect(present.former).toHaveLength(64);
  for (const id of ["a", "c99", "c98", "c36"]) expect(hasShard(present, { id, region: "weur" })).toBe(true);
  for (const id of ["b", "c34", "made-up"]) expect(hasShard(present, { id, region: "weur" })).toBe(false);
  expect(hasShard(present, { id: "a", region: "enam" })).toBe(false);
  const { former: _former, ...rest } = present;
  expect(digest(rest)).toBe(digest(present));
  expect(hasShard(rest, { id: "c98", region: "weur" })).toBe(false);
});
