import { expect, test } from "vitest";
import { shardAddress } from "../../../src/contracts/address.ts";
import { RingCache } from "../../../src/router/ring-cache.ts";
import type { Descriptor } from "../../../src/ring/descriptor.ts";

const ring = (epoch: number, ids: readonly string[], earlier: readonly Descriptor[] = []): Descriptor => ({
  epoch,
  seed: 0,
  defaultRegion: "auto",
  shards: ids.map((id) => ({ id, region: "auto", weight: 1, state: "active" })),
  earlier,
});
const address = (id: string) => shardAddress("socketio", { region: "auto", id });

test("[SO21] a router knows the shards of its ring, those that have lately left it, and no other", () => {
  const cache = new RingCache(ring(1, ["a", "b"]));
  expect(["a", "b", "c"].map((id) => cache.knows(address(id)))).toEqual([true, true, false]);
  cache.adopt(ring(2, ["b", "c"]));
  expect(["a", "b", "c"].map((id) => cache.knows(address(id)))).toEqual([true, true, true]);
  expect(cache.knows(shardAddress("socketio", { region: "weur", id: "a" }))).toBe(false);
});

test("[SO21] a router that has never seen a shard of an earlier ring hears of it with the present one", () => {
  const cache = new RingCache(ring(0, []));
  cache.adopt(ring(5, ["b"], [ring(4, ["a", "b"])]));
  expect(["a", "b", "c"].map((id) => cache.knows(address(id)))).toEqual([true, true, false]);
});

test("[SO21] of the shards that have left, a router keeps 64", () => {
  const cache = new RingCache(ring(1, ["s0"]));
  for (let epoch = 2; epoch <= 101; epoch++) cache.adopt(ring(epoch, [`s${epoch - 1}`]));
  const known = Array.from({ length: 101 }, (_, n) => n).filter((n) => cache.knows(address(`s${n}`)));
  expect(known).toEqual(Array.from({ length: 65 }, (_, n) => n + 36));
});
