import { expect, test } from "vitest";
import { addBusyPulse, busiestOf, type BusyPulse } from "../../../src/console/model/busiest.ts";

const pulse = (at: number, shard: string, ...busiest: [string, number, number][]): BusyPulse => ({
  at,
  shard,
  busiest: busiest.map(([channel, publications, deliveries]) => ({ channel, publications, deliveries })),
});

test("[OP21] deliveries add up over the shards, publications do not, and both are rates of ten seconds", () => {
  let pulses: readonly BusyPulse[] = [];
  for (const one of [
    pulse(1_000, "a", ["old", 9, 999]),
    pulse(11_000, "a", ["lobby", 10, 100], ["news", 5, 500]),
    pulse(12_000, "a", ["lobby", 10, 100]),
    pulse(12_000, "b", ["lobby", 20, 40]),
    pulse(12_500, "b"),
  ])
    pulses = addBusyPulse(pulses, one);
  expect(pulses).toHaveLength(3);
  expect(busiestOf(pulses, { now: 13_000, since: 0 })).toEqual([
    { channel: "news", publications: 0.5, deliveries: 50, shards: 1 },
    { channel: "lobby", publications: 2, deliveries: 24, shards: 2 },
  ]);
  expect(busiestOf(pulses, { now: 30_000, since: 0 })).toEqual([]);
});

test("[OP21] a page that has just opened counts the seconds that it has seen", () => {
  const pulses = [pulse(1_000, "a", ["lobby", 4, 8])];
  expect(busiestOf(pulses, { now: 2_000, since: 0 })[0]).toMatchObject({ publications: 2, deliveries: 4 });
  expect(busiestOf(pulses, { now: 1_000, since: 999 })[0]).toMatchObject({ publications: 4, deliveries: 8 });
});
