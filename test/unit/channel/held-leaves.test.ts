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

test("[BD62] a connection without a user has a hold of its own, which no stranger's join ends", () => {
  const released: string[] = [];
  const leaves = new HeldLeaves(5_000, ({ kind, client = "" }) => released.push(`${kind} ${client}`));
  const of = (kind: "join" | "leave", client: string, held = false): PresenceEvent => ({
    ...event(kind, "", held),
    client,
  });
  leaves.pass(of("leave", "a", true));
  leaves.pass(of("leave", "b", true));
  expect(leaves.pass(of("join", "c"))).toBe(true);
  expect(leaves.pass(of("join", "b"))).toBe(false);
  vi.advanceTimersByTime(5_000);
  expect(released).toEqual(["leave a"]);
});

test("[BD62] held leaves are bounded: over the bound the oldest is told early", () => {
  const released: string[] = [];
  const tell = ({ user, body }: PresenceEvent): void => void released.push(`${user} ${body.length}`);
  const leaves = new HeldLeaves(5_000, tell, { events: 3, bytes: 100 });
  for (const user of ["a", "b", "c", "d"]) leaves.pass({ ...event("leave", user, true), body: "x" });
  expect(released).toEqual(["a 1"]);
  leaves.pass({ ...event("leave", "e", true), body: "x".repeat(99) });
  expect(released).toEqual(["a 1", "b 1", "c 1"]);
  expect(leaves.pass(event("join", "b"))).toBe(true);
  expect(leaves.pass(event("join", "d"))).toBe(false);
  vi.advanceTimersByTime(5_000);
  expect(released).toEqual(["a 1", "b 1", "c 1", "e 99"]);
});
