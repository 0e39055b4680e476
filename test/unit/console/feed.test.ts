import { expect, test } from "vitest";
import {
  applyReport,
  EMPTY_FEED,
  movedOf,
  stepFeed,
  timelineOf,
  withIncident,
  type Epoch,
} from "../../../src/console/model/feed.ts";
import type { LiveEvent } from "../../../src/contracts/live.ts";
import type { Descriptor } from "../../../src/ring/descriptor.ts";

const descriptor = (epoch: number): Descriptor => ({
  epoch,
  seed: 0,
  defaultRegion: "auto",
  shards: [{ id: "auto-1", region: "auto", weight: 16, state: "active" }],
});

const predicted = { moving: 3, from: { "auto-1": 3 }, to: { "auto-2": 3 }, unknown: [] };

const epochEvent = (epoch: number): Extract<LiveEvent, { kind: "epoch" }> => ({
  kind: "epoch",
  at: epoch * 1_000,
  descriptor: descriptor(epoch),
  cause: "add auto-2",
  by: "console",
  predicted,
});

const reported = (ringEpoch: number, movedFrom: Record<string, number> = {}): Epoch => ({
  ringEpoch,
  at: ringEpoch * 1_000,
  cause: "the configured shards",
  by: "configuration",
  shards: descriptor(ringEpoch).shards,
  predicted: null,
  movedFrom,
});

test("a newer epoch replaces the ring, and an older epoch does not", () => {
  const feed = stepFeed(stepFeed(EMPTY_FEED, epochEvent(3)), epochEvent(2));
  expect(feed.descriptor?.epoch).toBe(3);
  expect(feed.epochs.map(({ ringEpoch }) => ringEpoch)).toEqual([3, 2]);
});

test("the moves of an epoch are the sum over the shards, and a repeated event has no effect", () => {
  const moved = (shard: string, count: number): LiveEvent & { kind: "moved" } => ({
    kind: "moved",
    at: 0,
    ringEpoch: 2,
    shard,
    moved: count,
  });
  let feed = stepFeed(EMPTY_FEED, epochEvent(2));
  for (const event of [moved("auto-1", 3), moved("auto-3", 1), moved("auto-1", 3)])
    feed = stepFeed(feed, event);
  expect(feed.epochs.map(movedOf)).toEqual([4]);
  expect(stepFeed(feed, epochEvent(2)).epochs.map(movedOf)).toEqual([4]);
});

test("a report of the operator's API replaces the same epochs of the live feed, and the newer ring stays", () => {
  const feed = applyReport(stepFeed(EMPTY_FEED, epochEvent(3)), {
    descriptor: descriptor(2),
    epochs: [reported(2, { "auto-1": 5 }), reported(1)],
  });
  expect(feed.descriptor?.epoch).toBe(3);
  expect(feed.epochs.map((epoch) => [epoch.ringEpoch, movedOf(epoch)])).toEqual([
    [3, 0],
    [2, 5],
    [1, 0],
  ]);
});

test("[OP13] the timeline has an effect above its cause, also of one millisecond", () => {
  const lost = { at: 2_000, kind: "page", text: "this page has lost its connection" } as const;
  const crash = { at: 900, kind: "crash", text: "this page has crashed auto-1" } as const;
  let feed = withIncident(stepFeed(EMPTY_FEED, epochEvent(2)), lost);
  feed = stepFeed(feed, { kind: "restarted", at: 901, shard: "auto-1" });
  feed = withIncident(feed, crash);
  expect(timelineOf(feed).map((one) => ("epoch" in one ? one.epoch.ringEpoch : one.incident.kind))).toEqual([
    "page",
    2,
    "restarted",
    "crash",
  ]);
});

test("the timeline holds epochs and incidents, newest first", () => {
  let feed = applyReport(EMPTY_FEED, { descriptor: descriptor(1), epochs: [reported(1)] });
  feed = stepFeed(feed, { kind: "restarted", at: 1_500, shard: "auto-1" });
  feed = stepFeed(feed, { kind: "untold", at: 2_500, ringEpoch: 2, shards: ["auto-1"] });
  feed = stepFeed(feed, epochEvent(2));
  expect(timelineOf(feed).map((one) => ("epoch" in one ? one.epoch.ringEpoch : one.incident.kind))).toEqual([
    "untold",
    2,
    "restarted",
    1,
  ]);
});
