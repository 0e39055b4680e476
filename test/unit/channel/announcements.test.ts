import { expect, test } from "vitest";
import { Announcements } from "../../../src/channel/announcements.ts";
import type { PresenceEvent } from "../../../src/contracts/channel.ts";

const call = (id: string, again = false): PresenceEvent[] => [
  { kind: "join", user: "ann", body: "{}", held: false, client: "c", call: id, again },
];

test("[BD61] a repeated call is told once", () => {
  const announcements = new Announcements(0);
  expect(announcements.take(call("a"), 1)).toBe(true);
  expect(announcements.take(call("b"), 1)).toBe(true);
  expect(announcements.take(call("a", true), 2)).toBe(false);
});

test("[BD61] a repetition is told only by a life that would have heard the first call", () => {
  const announcements = new Announcements(1_000_000);
  expect(announcements.take(call("a", true), 1_009_999)).toBe(false);
  expect(announcements.take(call("b", true), 1_010_000)).toBe(true);
  expect(announcements.take(call("c"), 1_000_000)).toBe(true);
});

test("[BD61] a shard of the release before names no call, and is heard", () => {
  const announcements = new Announcements(0);
  const old: PresenceEvent[] = [{ kind: "join", user: "ann", body: "{}", held: false }];
  expect([announcements.take(old, 1), announcements.take(old, 1)]).toEqual([true, true]);
  expect(announcements.take([], 1)).toBe(false);
});

test("[BD61] a channel remembers thousands of calls, and no more", () => {
  const announcements = new Announcements(0);
  for (let n = 0; n < 5_000; n++) announcements.take(call(`call-${n}`), 1);
  expect(announcements.take(call("call-4999", true), 100_000)).toBe(false);
  expect(announcements.take(call("call-0", true), 100_000)).toBe(true);
});
