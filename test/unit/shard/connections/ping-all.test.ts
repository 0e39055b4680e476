import { expect, test } from "vitest";
import { pingAll } from "../../../../src/shard/connections/sweep.ts";

type Session = { attachment: { state: "opening" | "open"; openedAt: number } };

const times = { pingIntervalMs: 25_000, pongTimeoutMs: 20_000 };

/** The sessions that are pinged at a time. */
function pinged(sessions: readonly Session[], now: number, isFromStart: boolean): Session[] {
  const sent: Session[] = [];
  const connections = {
    sessions,
    seenAt: () => now,
    end: () => undefined,
    send: (session: Session) => sent.push(session),
  };
  const heartbeat = { ping: "2", pong: "3", absorb: "6", ...(isFromStart ? { isFromStart: true } : {}) };
  pingAll({ connections, times, heartbeat } as never, { now, previousPingAt: now - times.pingIntervalMs });
  return sent;
}

test("[SO24] a connection is pinged from its start, but not in its first moments, and in time for its client", () => {
  const opening = (openedAt: number): Session => ({ attachment: { state: "opening", openedAt } });
  const open: Session = { attachment: { state: "open", openedAt: 100_000 } };
  const [young, older] = [opening(99_000), opening(90_000)];
  expect(pinged([young, older, open], 100_000, true)).toEqual([older]);
  // Its client waits for the interval and the time for an answer.
  const next = 100_000 + times.pingIntervalMs;
  expect(pinged([young, open], next, true)).toEqual([young, open]);
  expect(next - 90_001).toBeLessThan(times.pingIntervalMs + times.pongTimeoutMs);
  expect(pinged([young, older, open], 100_000, false)).toEqual([open]);
});

test("[SE6] a connection that has left a ping unanswered is ended, and each other one is pinged", () => {
  const ended: [object, string][] = [];
  const sent: [object, string][] = [];
  const session = (seenAt: number) => ({ attachment: { state: "open", openedAt: 0 }, seenAt });
  const [silent, alive] = [session(60_000), session(90_000)];
  const connections = {
    sessions: [silent, alive],
    seenAt: (one: ReturnType<typeof session>) => one.seenAt,
    end: (one: object, why: string) => ended.push([one, why]),
    send: (one: object, frame: string) => sent.push([one, frame]),
  };
  const parts = { connections, times, heartbeat: { ping: "2" } };
  pingAll(parts as never, { now: 100_000, previousPingAt: 75_000 });
  expect(ended).toEqual([[silent, "noPong"]]);
  expect(sent).toEqual([[alive, "2"]]);
  // The ping before is too young: nobody can have left it unanswered yet.
  pingAll(parts as never, { now: 80_000, previousPingAt: 75_000 });
  expect(ended).toHaveLength(1);
});
