import { expect, test } from "vitest";
import { buildRing } from "../../../src/ring/build.ts";
import { describe, shard } from "./cluster.ts";

test("[RG5] a client uses its own region where that has active shards", () => {
  const ring = buildRing(describe([shard("a"), shard("b", { region: "enam" })]));
  expect(ring.regionOf("enam")).toBe("enam");
  expect(ring.owner("key", "enam")?.id).toBe("b");
});

test("[RG5] a client whose region has only draining shards, or none, uses the default region", () => {
  const ring = buildRing(describe([shard("a"), shard("b", { region: "enam", state: "draining" })]));
  for (const region of ["enam", "apac", ""]) {
    expect(ring.regionOf(region)).toBe("weur");
    expect(ring.owner("key", region)?.id).toBe("a");
  }
});

test("[RG5] without active shards in the default region the first region by name serves", () => {
  const shards = [
    shard("a", { state: "draining" }),
    shard("b", { region: "oc" }),
    shard("c", { region: "enam" }),
  ];
  const ring = buildRing(describe(shards));
  expect(ring.regions()).toEqual(["enam", "oc"]);
  expect(ring.regionOf("weur")).toBe("enam");
  expect(ring.regionOf("oc")).toBe("oc");
});

test.each([[[]], [[shard("a", { state: "draining" })]]])(
  "[RG5] without an active shard a key has no owner",
  (shards) => {
    const ring = buildRing(describe(shards));
    expect(ring.regionOf("weur")).toBeUndefined();
    expect(ring.table("weur")).toBeUndefined();
    expect(ring.owner("key", "weur")).toBeUndefined();
    expect(ring.owners("key", "weur")).toEqual([]);
    expect(ring.explain("key", "weur")).toMatchObject({
      region: null,
      owner: null,
      nextOwners: [],
      point: null,
    });
  },
);

test("[RG5] a region's table is built once, at its first use", () => {
  const asked: string[] = [];
  const ring = buildRing(describe([shard("a"), shard("b", { region: "enam" })]), {
    hash: () => 0,
    points: ({ id }) => (asked.push(id), [0]),
  });
  expect(asked).toEqual([]);
  ring.owner("key", "enam");
  ring.owners("key", "enam");
  expect(asked).toEqual(["b"]);
});
