import fc from "fast-check";
import { expect, test } from "vitest";
import { addressKey, FIRST_FRONT, shardAddress } from "../../../src/contracts/address.ts";
import { boundOf } from "../../../src/coordinator/bound.ts";
import { describe, shard } from "../ring/cluster.ts";

const SCALE = { factor: 1.25, floor: 20 };
const addressOf = (one: ReturnType<typeof shard>) => shardAddress(FIRST_FRONT, one);
const statusesOf = (shards: readonly ReturnType<typeof shard>[], sessions: readonly number[]) =>
  new Map(shards.map((one, n) => [addressKey(addressOf(one)), { sessions: sessions[n] ?? 0 }]));

test("[EL30] the bound is 1.25 times the shard's part of its region's sessions by weight, or the floor", () => {
  const shards = [
    shard("a"),
    shard("b"),
    shard("c", { weight: shard("a").weight / 2 }),
    shard("d", { region: "enam" }),
  ];
  const bounds = (sessions: number[]) => {
    const parts = { descriptor: describe(shards), statuses: statusesOf(shards, sessions), ...SCALE };
    return shards.map((one) => boundOf(addressOf(one), parts));
  };
  expect(bounds([100, 0, 0, 700])).toEqual([50, 50, 25, null]);
  expect(bounds([10, 10, 0, 700])).toEqual([20, 20, 20, null]);
});

test("[EL30] a shard that takes no new connections has no bound, and neither counts nor is counted", () => {
  const shards = [shard("a"), shard("b"), shard("c", { state: "draining" })];
  const parts = { descriptor: describe(shards), statuses: statusesOf(shards, [100, 100, 800]), ...SCALE };
  expect(shards.map((one) => boundOf(addressOf(one), parts))).toEqual([125, 125, null]);
});

test("[EL30] some shard of a region is always below its bound", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 10_000 }), fc.integer({ min: 1, max: 64 })), {
        minLength: 2,
        maxLength: 20,
      }),
      (counts) => {
        const shards = counts.map(([, weight], n) => shard(`s-${n}`, { weight }));
        const sessions = counts.map(([count]) => count);
        const parts = { descriptor: describe(shards), statuses: statusesOf(shards, sessions), ...SCALE };
        expect(shards.some((one, n) => (sessions[n] ?? 0) < (boundOf(addressOf(one), parts) ?? 0))).toBe(
          true,
        );
      },
    ),
  );
});
