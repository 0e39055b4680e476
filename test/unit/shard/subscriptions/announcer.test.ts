import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PresenceEvent } from "../../../../src/contracts/channel.ts";
import { Announcer } from "../../../../src/shard/subscriptions/announcer.ts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const join = (user: string, bytes = 2): PresenceEvent => ({
  kind: "join",
  user,
  body: "x".repeat(bytes),
  held: false,
});

/** An announcer whose calls end when the test says so. */
function setUp() {
  const calls: { channel: string; users: string[]; bytes: number; end: () => void; fail: () => void }[] = [];
  const announcer = new Announcer(
    100,
    (channel, events) =>
      new Promise((resolve, reject) => {
        const users = events.map(({ user }) => user);
        const bytes = events.reduce((sum, { body }) => sum + body.length, 0);
        calls.push({ channel, users, bytes, end: resolve, fail: () => reject(new Error("gone")) });
      }),
  );
  const settle = () => vi.advanceTimersByTimeAsync(100);
  return { announcer, calls, settle };
}

test("[SE1] the joins and leaves of a moment go to their channel in one call", async () => {
  const { announcer, calls, settle } = setUp();
  for (const user of ["a", "b"]) announcer.announce("room", join(user));
  announcer.announce("hall", join("c"));
  expect(calls).toEqual([]);
  await settle();
  expect(calls).toMatchObject([
    { channel: "room", users: ["a", "b"] },
    { channel: "hall", users: ["c"] },
  ]);
});

test("[BD63] a call has a bounded number of events and bytes, and the next waits for its end", async () => {
  const { announcer, calls, settle } = setUp();
  const users = Array.from({ length: 600 }, (_, n) => `user-${n}`);
  for (const user of users) announcer.announce("room", join(user));
  announcer.announce("room", join("large", 250_000));
  announcer.announce("room", join("larger", 300_000));
  announcer.announce("room", join("last"));
  await settle();
  expect(calls).toHaveLength(1);
  for (let n = 0; n < calls.length; n++) {
    calls[n]?.end();
    await settle();
  }
  expect(calls.map(({ users: told }) => told.length)).toEqual([256, 256, 89, 1, 1]);
  expect(calls.flatMap(({ users: told }) => told)).toEqual([...users, "large", "larger", "last"]);
});

test("[BD63] a number of channels is told at a time, and one that does not answer holds up none of the others", async () => {
  const { announcer, calls, settle } = setUp();
  for (let n = 0; n < 100; n++) announcer.announce(`room-${n}`, join("ann"));
  await settle();
  expect(calls).toHaveLength(64);
  // The first never ends, and the second fails.
  calls[1]?.fail();
  for (let n = 2; n < calls.length; n++) {
    calls[n]?.end();
    await vi.advanceTimersByTimeAsync(0);
  }
  await settle();
  for (let n = 2; n < calls.length; n++) calls[n]?.end();
  await settle();
  expect(new Set(calls.map(({ channel }) => channel)).size).toBe(100);
});

test("[BD63] the events that wait are bounded in bytes: more are dropped, and there is room again afterwards", async () => {
  const { announcer, calls, settle } = setUp();
  for (let n = 0; n < 100; n++) announcer.announce("room", join(`user-${n}`, 100_000));
  for (let n = 0; n <= calls.length && n < 100; n++) {
    await settle();
    calls[n]?.end();
  }
  const told = calls.flatMap(({ users }) => users);
  expect(told).toHaveLength(83);
  announcer.announce("room", join("later"));
  await settle();
  expect(calls.at(-1)?.users).toEqual(["later"]);
});
