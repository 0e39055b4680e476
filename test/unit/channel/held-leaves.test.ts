import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HeldLeaves } from "../../../src/channel/held-leaves.ts";
import type { PresenceEvent } from "../../../src/contracts/channel.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const event = (kind: "join" | "leave", user: string, held = false): PresenceEvent => ({
  kind,
  user,
  body: kind,
  held,
});

function setUp() {
  const released: string[] = [];
  return { released, leaves: new HeldLeaves(5_000, ({ kind, user }) => released.push(`${kind} ${user}`)) };
}

test("[MV4] a user who returns from a move has neither left nor joined", () => {
  const { leaves, released } = setUp();
  expect(leaves.pass(event("leave", "ann", true))).toBe(false);
  vi.advanceTimersByTime(1_000);
  expect(leaves.pass(event("join", "ann"))).toBe(false);
  vi.advanceTimersByTime(60_000);
  expect(released).toEqual([]);
});

test("[MV4] one who does not return has left", () => {
  const { leaves, released } = setUp();
  leaves.pass(event("leave", "ann", true));
  expect(leaves.pass(event("join", "bob"))).toBe(true);
  vi.advanceTimersByTime(5_000);
  expect(released).toEqual(["leave ann"]);
  expect(leaves.pass(event("join", "ann"))).toBe(true);
});

test("[MV4] each of a user's connections is held for itself", () => {
  const { leaves, released } = setUp();
  leaves.pass(event("leave", "ann", true));
  leaves.pass(event("leave", "ann", true));
  expect(leaves.pass(event("join", "ann"))).toBe(false);
  vi.advanceTimersByTime(5_000);
  expect(released).toEqual(["leave ann"]);
});

test("[SE1] a leave that no move caused is told at once", () => {
  const { leaves } = setUp();
  expect(leaves.pass(event("leave", "ann"))).toBe(true);
});

test("[MV4] of several that are held, as many returns show nothing, and the next is a join", () => {
  const { leaves, released } = setUp();
  leaves.pass(event("leave", "ann", true));
  leaves.pass(event("leave", "ann", true));
  const told = [1, 2, 3].map(() => leaves.pass(event("join", "ann")));
  expect(told).toEqual([false, false, true]);
  vi.advanceTimersByTime(60_000);
  expect(released).toEqual([]);
});

test("[MV4] a return makes up for the oldest leave; the later one keeps its own time", () => {
  const { leaves, released } = setUp();
  leaves.pass(event("leave", "ann", true));
  vi.advanceTimersByTime(3_000);
  leaves.pass(event("leave", "ann", true));
  leaves.pass(event("join", "ann"));
  vi.advanceTimersByTime(4_999);
  expect(released).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(released).toEqual(["leave ann"]);
});
