import { afterEach, expect, test, vi } from "vitest";

const START = 1_800_000_000_000;

afterEach(() => {
  vi.useRealTimers();
});

/** The module as a new isolate has it, at a time that stands still. */
async function begin() {
  vi.useFakeTimers({ now: START, toFake: ["Date"] });
  vi.resetModules();
  return import("../../../src/platform/clock.ts");
}

test("[PK25] a clock that was moved twice is ahead by both, in each form of `Date`", async () => {
  const { moveClock, toRuntime, fromRuntime } = await begin();
  expect(toRuntime(START)).toBe(START);
  expect(moveClock(1_000)).toBe(START + 1_000);
  expect(moveClock(500)).toBe(START + 1_500);
  expect(Date.now()).toBe(START + 1_500);
  expect(new Date().getTime()).toBe(START + 1_500);
  expect(Date()).toBe(new Date().toString());
  expect(new Date(5).getTime()).toBe(5);
  expect(new Date()).toBeInstanceOf(Date);
  expect(Date.UTC(2_000, 0, 1)).toBe(946_684_800_000);
  expect(toRuntime(START + 2_000)).toBe(START + 500);
  expect(fromRuntime(START)).toBe(START + 1_500);
});

test("[PK25] the channels that have lived here are known, the newest 10,000", async () => {
  const { noteChannel, notedChannels } = await begin();
  for (let n = 0; n < 10_000; n++) noteChannel(`room-${n}`);
  noteChannel("room-0");
  noteChannel("another");
  expect(notedChannels()).toHaveLength(10_000);
  expect(notedChannels()).not.toContain("room-1");
  expect(notedChannels()).toContain("room-0");
  expect(notedChannels().at(-1)).toBe("another");
});
