import { expect, test } from "vitest";
import { simulate, type Costs, type Load } from "../../../bench/simulate/model.ts";
import { bill, PRICES } from "../../../src/elastic/prices.ts";

const costs: Costs = {
  date: "2026-11-23",
  machine: "a test",
  publishMs: 0.5,
  deliverMs: 0.005,
  sendMs: 0.001,
  callMs: 0.2,
  routerCpuMs: 0.1,
  connectsPerSecond: 1_000,
};
const load: Load = {
  shards: 32,
  clients: 320_000,
  regions: 1,
  publicationsPerSecond: 1,
  connectsADay: 4,
  framesAnHour: 10,
  roundTripMs: 20,
  upgradesPerSecond: 400,
};
const none = {
  workerRequests: 0,
  workerCpuMs: 0,
  objectRequests: 0,
  objectGbSeconds: 0,
  rowsRead: 0,
  rowsWritten: 0,
};

test("one shard is the benchmark's broadcast: its cost of publishing, and of each listener", () => {
  const alone = simulate({ ...load, shards: 1, clients: 4_000, roundTripMs: 0 }, costs);
  expect(alone.broadcastMs).toBeCloseTo(0.5 + 0.2 + 4_000 * 0.005);
  expect(alone.busiestShard).toEqual({ clients: 4_000, beside: 1 });
});

test("more than 32 shards are called down a tree, which costs one more way and fewer calls in a row", () => {
  const direct = simulate(load, costs);
  const tree = simulate({ ...load, shards: 100, clients: 1_000_000 }, costs);
  expect([direct.depth, direct.calls]).toEqual([1, 32]);
  expect([tree.depth, tree.calls]).toEqual([2, 100]);
  const ways = tree.broadcastMs - costs.publishMs - tree.busiestShard.clients * costs.deliverMs;
  expect(ways).toBeCloseTo(2 * 20 + (10 + 9) * costs.callMs);
});

test("an added shard takes its part of the clients, a drained one gives all of its own", () => {
  const { movesOnAdd, movesOnDrain } = simulate(load, costs);
  const ideal = load.clients / (load.shards + 1);
  expect(movesOnAdd / ideal).toBeGreaterThan(0.75);
  expect(movesOnAdd / ideal).toBeLessThan(1.25);
  expect(movesOnDrain / (load.clients / load.shards)).toBeGreaterThan(0.75);
  expect(movesOnDrain / (load.clients / load.shards)).toBeLessThan(1.25);
});

test("in a cluster of regions a shard that is added moves clients of its own region alone", () => {
  const one = simulate({ ...load, regions: 4 }, costs);
  expect(one.movesOnAdd).toBeLessThan(load.clients / 4 / 8);
  expect(one.busiestShard.clients).toBeGreaterThan(load.clients / 32);
});

test("included units cost nothing, and one unit more costs its price", () => {
  expect(bill(none).total).toBe(PRICES.planPerMonth);
  expect(bill({ ...none, rowsWritten: 50e6 }).total).toBe(5);
  expect(bill({ ...none, rowsWritten: 51e6 }).rowsWritten).toBeCloseTo(1);
  expect(bill({ ...none, workerRequests: 11e6 }).workerRequests).toBeCloseTo(0.3);
  expect(bill({ ...none, objectRequests: 2e6 }).objectRequests).toBeCloseTo(0.15);
  expect(bill({ ...none, objectGbSeconds: 1_400_000 }).objectGbSeconds).toBeCloseTo(12.5);
});

test("an object is never paid for more than all the time that there is", () => {
  const { dollarsAMonth } = simulate({ ...load, publicationsPerSecond: 10_000 }, costs);
  const all = 33 * 30 * 86_400 * 0.128;
  expect(dollarsAMonth.objectGbSeconds).toBeCloseTo((all - 400e3) * 12.5e-6);
});
