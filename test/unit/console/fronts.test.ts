import { expect, test } from "vitest";
import type { Pulse } from "../../../src/contracts/live.ts";
import { mergeFronts, viewSocketIo } from "../../../src/console/model/fronts.ts";
import { sampleOf } from "../../../src/console/model/series.ts";

const counts = {
  frames: 4,
  connects: 0,
  disconnects: 0,
  moved: 0,
  deliveries: 10,
  resumed: 0,
  notResumed: 0,
};
const pulse = (shard: string, fields: Partial<Pulse> = {}): Pulse => ({
  kind: "pulse",
  at: 0,
  shard,
  ringEpoch: 2,
  sessions: 10,
  subscriptions: 10,
  channels: 1,
  intervalMs: 1_000,
  counts,
  latency: null,
  ...fields,
});
const received = (one: Pulse, receivedAt = 1_000) => ({ pulse: one, receivedAt });
const namespaces = [
  { name: "/", sockets: 5, rooms: 2 },
  { name: "/chat", sockets: 1, rooms: 0 },
];
const io = pulse("a", { front: "socketio", sessions: 5, namespaces, intervalMs: 2_000, ringEpoch: 1 });

test("[SO55] a shard is the sum of its fronts, and as old as the oldest of them", () => {
  const merged = mergeFronts([received(pulse("a", { latency: { p50Ms: 1, p99Ms: 9 } })), received(io, 400)]);
  expect(merged).toMatchObject({
    receivedAt: 400,
    pulse: { sessions: 15, ringEpoch: 1, intervalMs: 1_000, latency: { p50Ms: 1, p99Ms: 9 } },
  });
  expect(merged?.pulse.counts).toMatchObject({ frames: 6, deliveries: 15 });
  const sample = sampleOf([received(pulse("a")), received(io)], { now: 1_000, at: 1 });
  expect([...sample.sessions]).toEqual([["a", 15]]);
  expect(mergeFronts([])).toBeUndefined();
});

test("[SO55] Socket.IO is shown by shard and by namespace, and not at all where no shard speaks of it", () => {
  const other = pulse("b", {
    front: "socketio",
    sessions: 7,
    namespaces: [{ name: "/", sockets: 7, rooms: 1 }],
  });
  const view = viewSocketIo([received(pulse("a")), received(other, 0), received(io)], 3_600);
  expect(view).toMatchObject({ connections: 12, sockets: 13 });
  expect(view?.namespaces).toEqual([
    { name: "/", sockets: 12, shards: 2 },
    { name: "/chat", sockets: 1, shards: 1 },
  ]);
  expect(view?.shards).toEqual([
    {
      shard: "a",
      connections: 5,
      sockets: 6,
      rooms: 2,
      framesPerSecond: 2,
      deliveriesPerSecond: 5,
      stale: false,
    },
    {
      shard: "b",
      connections: 7,
      sockets: 7,
      rooms: 1,
      framesPerSecond: 4,
      deliveriesPerSecond: 10,
      stale: true,
    },
  ]);
  expect(viewSocketIo([received(pulse("a"))], 1_000)).toBeUndefined();
});
