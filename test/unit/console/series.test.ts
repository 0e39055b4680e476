import { expect, test } from "vitest";
import { pushSample, sampleOf, sessionColumns, STALE_MS } from "../../../src/console/model/series.ts";
import type { Pulse } from "../../../src/contracts/live.ts";

const pulse = (shard: string, fields: Partial<Pulse> = {}): Pulse => ({
  kind: "pulse",
  at: 0,
  shard,
  ringEpoch: 1,
  sessions: 10,
  subscriptions: 10,
  channels: 1,
  intervalMs: 1_000,
  counts: { frames: 2, connects: 1, disconnects: 0, moved: 0, deliveries: 40, resumed: 0, notResumed: 0 },
  latency: { p50Ms: 2, p99Ms: 8 },
  ...fields,
});

test("a sample holds the sum of the shards' rates and the worst of their percentiles", () => {
  const sample = sampleOf(
    [
      { pulse: pulse("a"), receivedAt: 1_000 },
      { pulse: pulse("b", { intervalMs: 2_000, latency: { p50Ms: 5, p99Ms: 6 } }), receivedAt: 1_000 },
    ],
    { now: 1_500, at: 7 },
  );
  expect(sample).toMatchObject({ at: 7, deliveries: 60, frames: 3, p50Ms: 5, p99Ms: 8 });
  expect([...sample.sessions]).toEqual([
    ["a", 10],
    ["b", 10],
  ]);
});

test("a sample of stale pulses is a gap", () => {
  const sample = sampleOf([{ pulse: pulse("a"), receivedAt: 0 }], { now: STALE_MS, at: 9 });
  expect(sample).toMatchObject({ deliveries: null, p99Ms: null });
  expect(sample.sessions.size).toBe(0);
});

test("a shard without deliveries has no latency", () => {
  const received = [{ pulse: pulse("a", { latency: null }), receivedAt: 0 }];
  expect(sampleOf(received, { now: 0, at: 1 })).toMatchObject({ p50Ms: null, deliveries: 40 });
});

test("old samples are dropped, and a shard's column has a gap where no pulse came", () => {
  const at = (second: number, ...ids: string[]) =>
    sampleOf(
      ids.map((id) => ({ pulse: pulse(id), receivedAt: 0 })),
      { now: 0, at: second },
    );
  const samples = [at(1, "a"), at(2, "a", "b"), at(3, "b")].reduce(
    (kept, sample) => pushSample(kept, sample, 2),
    [] as ReturnType<typeof at>[],
  );
  expect(samples.map((sample) => sample.at)).toEqual([2, 3]);
  expect(sessionColumns(samples, ["a", "b"])).toEqual([
    [2, 3],
    [10, null],
    [10, 10],
  ]);
});
