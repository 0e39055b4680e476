import { expect, test } from "vitest";
import { QueueBudget } from "../../../../src/shard/connections/queue-budget.ts";
import type { Session } from "../../../../src/shard/connections/session.ts";
import { newSession } from "../../../../src/shard/connections/sessions.ts";

const BOUND = 1_000;

/** Readers that leave so many bytes unread, and the budget that they share. Those of `answers` answer a ping at once. */
function shard(
  unread: Record<string, number>,
  { counts, answers = [] }: { counts: boolean; answers?: string[] },
) {
  let now = 1_000_000;
  const pinged = new Map<unknown, number>();
  const sessions = Object.entries(unread).map(([id, bytes]): Session => {
    const socket = { send: () => void pinged.set(socket, now) };
    if (counts) Object.defineProperty(socket, "bufferedAmount", { get: () => unread[id] });
    const session = newSession(
      socket as unknown as WebSocket,
      { state: "opening", id, openedAt: 0, key: "ann", clientRegion: "auto", rank: 0 },
      { commandBurst: 1, commandsPerSecond: 1 },
    );
    session.unprovenBytes = bytes;
    return session;
  });
  const answeredAt = ({ socket }: Session): number => {
    const id = sessions.find((session) => session.socket === socket)?.attachment.id ?? "";
    return answers.includes(id) ? (pinged.get(socket) ?? 0) : 0;
  };
  const limits = { queuedBytes: 1_000, slowReaderGraceMs: 5_000 };
  const total = Object.values(unread).reduce((sum, bytes) => sum + bytes, 0);
  const context = { limits, ping: "ping", answeredAt, unread: { bytes: total } };
  const budget = new QueueBudget({ queuedBytesPerShard: BOUND }, context);
  /** The ids of the readers that are given up `ms` later. */
  const later = (ms: number): string[] => {
    now += ms;
    return budget.look(sessions, now).map(({ attachment }) => attachment.id);
  };
  return { budget, later };
}

for (const counts of [true, false])
  test(`[BD28] the slowest readers are given up first, after a second, where the runtime ${counts ? "counts" : "does not count"}`, () => {
    const { budget, later } = shard({ a: 400, b: 600, c: 500, d: 100 }, { counts });
    expect(budget.isOver).toBe(true);
    expect(later(0)).toEqual([]);
    expect(later(900)).toEqual([]);
    expect(later(200)).toEqual(["b"]);
  });

test("[BD28] readers that answer are never given up, and the bytes that they have read count no more", () => {
  const { budget, later } = shard({ a: 900, b: 900 }, { counts: false, answers: ["a", "b"] });
  expect(later(0)).toEqual([]);
  expect(later(100)).toEqual([]);
  expect(budget.isOver).toBe(false);
  expect(later(5_000)).toEqual([]);
});

test("[BD28] a reader that answers outlives one that does not, however little that one leaves", () => {
  const { later } = shard({ quick: 900, deaf: 600, idle: 500 }, { counts: false, answers: ["quick"] });
  later(0);
  later(500);
  expect(later(600)).toEqual(["deaf"]);
});

test("[BD28] within the bound nobody is given up", () => {
  const { later } = shard({ a: 500, b: 500 }, { counts: true });
  expect([later(0), later(1_500), later(5_000)]).toEqual([[], [], []]);
});
