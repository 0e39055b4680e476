import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Connections } from "../../../../src/shard/connections/connections.ts";
import type { Session } from "../../../../src/shard/connections/session.ts";
import { newSession } from "../../../../src/shard/connections/sessions.ts";
import { Counters } from "../../../../src/shard/records/counters.ts";
import { Emitter } from "../../../../src/shard/subscriptions/emitter.ts";
import type { Batch, Wire } from "../../../../src/shard/wire.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const MEGABYTE = 1_048_576;

/** Two sessions that listen to every room, and readers that leave too much unread until `read`. */
function setUp() {
  let isOverBudget = true;
  const sent: string[] = [];
  const subscriptions = new Map(Array.from({ length: 30 }, (_, n) => [`room-${n}`, {}]));
  const placed = { openedAt: 0, key: "ann", clientRegion: "auto", rank: 0, user: "ann", subscriptions };
  const sessions = ["ann", "bob"].map((id) =>
    newSession({} as WebSocket, { state: "open", id, ...placed }, { commandBurst: 1, commandsPerSecond: 1 }),
  );
  const connections = {
    send: ({ attachment }: Session, frame: string) => sent.push(`${frame.trim()} to ${attachment.id}`),
    relieve: () => isOverBudget,
    end: () => undefined,
  } as unknown as Connections;
  const wire = {
    encodeBatch: ({ channel, events }: Batch) => ({
      frameFor: () => channel.padEnd(events[0]?.body.length ?? 0),
    }),
  } as unknown as Wire;
  const counters = new Counters();
  const emitter = new Emitter({ connections, wire, counters });
  const emit = (n: number): void => {
    const events = [{ kind: "pub" as const, offset: 1, body: "x".repeat(4 * MEGABYTE) }];
    const batch = { channel: `room-${n}`, events, durable: true, logEpoch: "e", previous: undefined };
    emitter.emit(batch, new Set(sessions));
  };
  return { emitter, emit, sent, counters, read: () => void (isOverBudget = false) };
}

test("[BD103] an emitter is full where more than 32 MB wait, and has room again when they are sent", async () => {
  const { emitter, emit, sent, read } = setUp();
  await emitter.room();
  for (let n = 0; n < 9; n++) {
    expect(emitter.isFull).toBe(false);
    emit(n);
  }
  expect(emitter.isFull).toBe(true);
  let hasRoom = false;
  const room = emitter.room().then(() => (hasRoom = true));
  await vi.advanceTimersByTimeAsync(1_000);
  expect([hasRoom, sent]).toEqual([false, ["room-0 to ann"]]);
  read();
  await vi.advanceTimersByTimeAsync(1_000);
  await room;
  expect(emitter.isFull).toBe(false);
  const all = Array.from({ length: 9 }, (_, n) => [`room-${n} to ann`, `room-${n} to bob`]);
  expect(sent).toEqual(all.flat());
});

test("[EL72] the work of a shard has the bytes that it delivers to each session", async () => {
  const { counters, emit, read } = setUp();
  read();
  emit(0);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(counters.work).toEqual({ upgrade: 0, frame: 0, delivery: 2, kilobyte: 2 * 4 * 1_024 });
});
