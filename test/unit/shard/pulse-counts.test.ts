import { expect, test } from "vitest";
import { PULSE_CHANNELS, PULSE_CODES } from "../../../src/contracts/live.ts";
import { Counters } from "../../../src/shard/records/counters.ts";

const watched = (): Counters => {
  const counters = new Counters();
  counters.isWatched = true;
  return counters;
};

test("[OP21] a pulse has the ten channels with most deliveries, and the next pulse begins anew", () => {
  const counters = watched();
  for (let n = 0; n < 50; n++) {
    counters.deliver(`c${n}`, { publications: 1, sessions: n });
    counters.deliver("lobby", { publications: 2, sessions: 3 });
  }
  const { busiest = [] } = counters.take();
  expect(busiest).toHaveLength(PULSE_CHANNELS);
  expect(busiest.slice(0, 2)).toEqual([
    { channel: "lobby", publications: 100, deliveries: 300 },
    { channel: "c49", publications: 1, deliveries: 49 },
  ]);
  expect(counters.take().busiest).toBeUndefined();
});

test("[OP22] a pulse counts codes, and a flood of made-up codes is one further count", () => {
  const counters = watched();
  counters.code("close", 3008);
  counters.code("refusal", "busy");
  for (let code = 4_500; code < 4_900; code++) counters.code("close", code);
  const { codes = [] } = counters.take();
  expect(codes).toContainEqual({ kind: "close", code: "3008", count: 1 });
  expect(codes).toContainEqual({ kind: "close", code: "other", count: 400 - PULSE_CODES + 1 });
  expect(codes).toContainEqual({ kind: "refusal", code: "busy", count: 1 });
  expect(counters.take().codes).toBeUndefined();
});

test("[OP2] no code is counted while nobody watches", () => {
  const counters = new Counters();
  counters.code("close", 3008);
  expect(counters.take().codes).toBeUndefined();
});
