import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { mayReach } from "../../../../src/shard/connections/new-channels.ts";
import type { Session } from "../../../../src/shard/connections/session.ts";
import { admitFrame } from "../../../../src/shard/connections/budgets.ts";
import { newSession } from "../../../../src/shard/connections/sessions.ts";

const LIMITS = { frameTokenBytes: 100, waitingFrames: 4, waitingBytes: 1_000 };
/** Twice as many frames as commands: 20 at once, then 10 a second. */
const COMMANDS = { commandBurst: 10, commandsPerSecond: 5 };

const sessionOf = (): Session =>
  newSession(
    {} as WebSocket,
    { state: "opening", id: "s", openedAt: 0, key: "ann", clientRegion: "auto", rank: 0 },
    COMMANDS,
  );

/** How many of `count` frames are admitted in one turn. `wait`: each stays in the queue. */
function admitted(session: Session, { count = 1, units = 1, wait = false, now = Date.now() } = {}): number {
  let sum = 0;
  for (let n = 0; n < count; n++) {
    if (!admitFrame(session, { units, now, limits: LIMITS })) continue;
    sum += 1;
    if (!wait) continue;
    session.waitingFrames += 1;
    session.waitingUnits += units;
  }
  return sum;
}

describe("[BD23] a frame is admitted before it waits", () => {
  test("a frame costs a token, and tokens come back with time", () => {
    const session = sessionOf();
    const now = Date.now();
    expect(admitted(session, { count: 100, now })).toBe(20);
    expect(admitted(session, { count: 100, now: now + 1_000 })).toBe(10);
  });

  test("bytes cost tokens too", () => {
    expect(admitted(sessionOf(), { count: 100, units: 900 })).toBe(2);
  });

  test("a frame that costs more than all tokens is admitted by a client that was quiet", () => {
    expect(admitted(sessionOf(), { count: 100, units: 50_000 })).toBe(1);
  });

  test("so many frames wait, and no more", () => {
    expect(admitted(sessionOf(), { count: 15, wait: true })).toBe(4);
  });

  test("so many bytes wait, and no more; a single frame always may", () => {
    expect(admitted(sessionOf(), { count: 3, units: 400, wait: true })).toBe(2);
    expect(admitted(sessionOf(), { count: 2, units: 1_500, wait: true })).toBe(1);
  });
});

describe("[BD27] a client has a budget of new channels", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
  afterEach(() => void vi.useRealTimers());

  test("a channel that it has reached lately is free, and a new one costs", () => {
    const [session, limits] = [sessionOf(), { channelsPerClient: 2, newChannelsPerMinute: 3 }];
    const startedAt = Date.now();
    const refused = "aabacdabc".split("").filter((name) => !mayReach(session, name, limits));
    expect(refused).toEqual(["d"]);
    vi.setSystemTime(startedAt + 19_000);
    expect(mayReach(session, "d", limits)).toBe(false);
    vi.setSystemTime(startedAt + 21_000);
    expect(mayReach(session, "d", limits)).toBe(true);
    // It remembers three.
    expect(mayReach(session, "a", limits)).toBe(false);
  });

  test("all the channels that a client may have are admitted at once", () => {
    const [session, limits] = [sessionOf(), { channelsPerClient: 50, newChannelsPerMinute: 3 }];
    const names = Array.from({ length: 51 }, (_, n) => `room-${n}`);
    expect(names.filter((name) => mayReach(session, name, limits))).toHaveLength(50);
  });
});
