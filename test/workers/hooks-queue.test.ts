import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Event } from "../../src/events/event.ts";
import { EventQueue, type Batch, type QueueBounds } from "../../src/events/event-queue.ts";
import { channelStub } from "../../src/platform/calls.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { channelObject, fetchWorker, startOver } from "./client.ts";
import { forgetHooks } from "./hooked.ts";
import { connectOne } from "./told.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetHooks();
});

const RETRY = { retryFirstMs: 1_000, retryLastMs: 8_000, keepMs: 86_400_000 };
const occupied = (id: string, channel = "room"): Event => ({ id, at: 0, type: "occupied", channel });
const ROOMY = { queuedEvents: 1_000, queuedEventBytes: 8_388_608 };

describe("[BD60] the events that wait for a receiver are bounded", () => {
  const withQueue = (bounds: QueueBounds, use: (queue: EventQueue, reopen: () => EventQueue) => void) =>
    runInDurableObject(channelObject("queue-test"), (_, { storage }) => {
      const settings = { ...RETRY, ...bounds, batchEvents: 100 };
      const open = () => new EventQueue(storage, "webhook_events", settings);
      use(open(), open);
    });

  test("a full queue drops new events, counts them, and has room again for what its receiver takes", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    await withQueue({ ...ROOMY, queuedEvents: 3 }, (queue, reopen) => {
      const added = ["a", "b", "c", "d", "e"].map((id) => queue.add(occupied(id), 0));
      expect(added).toEqual([true, true, true, false, false]);
      expect(queue.dropped).toBe(2);
      expect(logged).toHaveBeenCalled();
      // The count of a life that begins with a full queue comes from the rows.
      const later = reopen();
      expect(later.add(occupied("f"), 0)).toBe(false);
      const batch = later.takeOldest(0);
      expect(batch?.events.map(({ id }) => id)).toEqual(["a", "b", "c"]);
      later.done(batch as Batch);
      expect(later.size).toBe(0);
      expect(later.add(occupied("g"), 0)).toBe(true);
    });
  });

  test("an operator sees how many events each shard has dropped", async () => {
    await connectOne("auto-1");
    vi.spyOn(EventQueue.prototype, "dropped", "get").mockReturnValue(3);
    const headers = { authorization: `Bearer ${env.API_KEY ?? ""}` };
    const response = await fetchWorker(new Request("https://ringcast.test/admin/api/cluster", { headers }));
    const { shards } = await response.json<{ shards: { id: string; droppedEvents: number | null }[] }>();
    expect(shards.find(({ id }) => id === "auto-1")?.droppedEvents).toBe(3);
  });

  test("bytes count beside events, and no call takes more than a part of them into memory", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const half = "ü".repeat(250_000);
    await withQueue({ ...ROOMY, queuedEventBytes: 2_100_000 }, (queue) => {
      const added = ["a", "b", "c", "d", "e"].map((id) => queue.add(occupied(id, half), 0));
      expect(added).toEqual([true, true, true, true, false]);
      const sizes = [];
      for (let batch = queue.takeOldest(0); batch !== undefined; batch = queue.takeOldest(0)) {
        sizes.push(batch.bytes);
        queue.done(batch);
      }
      expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(2_000_000);
      expect(Math.max(...sizes)).toBeLessThan(2_000_000);
      expect(queue.size).toBe(0);
    });
  });

  test("an event that no row can hold is dropped, and what has caused it goes on", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    await withQueue({ ...ROOMY }, (queue) => {
      expect(queue.add(occupied("a", "x".repeat(2_200_000)), 0)).toBe(false);
      expect(queue.add(occupied("b"), 0)).toBe(true);
    });
  });

  test("a page of events that failed is not read again in the same run", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    await withQueue({ ...ROOMY }, (queue) => {
      for (const id of ["a", "b", "c"]) queue.add(occupied(id), 0);
      const first = queue.takeDue(0, { after: 0, most: 2 });
      expect(first.map(({ events }) => events[0]?.id)).toEqual(["a", "b"]);
      const second = queue.takeDue(0, { after: first.at(-1)?.rows[0] ?? 0, most: 2 });
      expect(second.map(({ events }) => events[0]?.id)).toEqual(["c"]);
    });
  });
});

test("[HK6] a waiting batch keeps its events, is sent at growing intervals, and is dropped after a day", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
  await channelStub(env, "queue-test").view(0, CONTRACT);
  await runInDurableObject(channelObject("queue-test"), (_, { storage }) => {
    const settings = { ...RETRY, ...ROOMY, batchEvents: 2 };
    const queue = new EventQueue(storage, "webhook_events", settings);
    expect(queue.exists).toBe(false);
    for (const id of ["a", "b", "c"]) queue.add(occupied(id), 0);
    let now = 0;
    let id: string | undefined;
    const pauses: number[] = [];
    for (;;) {
      const batch = queue.takeOldest(now);
      expect(batch?.events.map(({ id }) => id)).toEqual(["a", "b"]);
      id ??= batch?.id;
      expect(batch?.id).toBe(id);
      queue.failed(batch as Batch, now);
      if (logged.mock.calls.length > 0) break;
      // Event "c" is due, and does not overtake the batch.
      expect(queue.takeOldest(now)).toBeUndefined();
      // The queue has no work until then.
      const due = queue.oldestDue() ?? 0;
      expect(queue.nextDue()).toBe(0);
      pauses.push(due - now);
      now = due;
    }
    expect(now).toBeGreaterThanOrEqual(86_400_000);
    for (const [n, most] of [1_000, 2_000, 4_000, 8_000, 8_000].entries()) {
      expect(pauses[n]).toBeLessThanOrEqual(most);
      expect(pauses[n]).toBeGreaterThanOrEqual(most * 0.75);
    }
    // A reopened queue, as after a crash, puts the next events into another batch.
    const batch = new EventQueue(storage, "webhook_events", settings).takeOldest(now);
    expect(batch?.events.map(({ id }) => id)).toEqual(["c"]);
    expect(batch?.id).not.toBe(id);
    queue.done(batch as Batch);
    expect(queue.oldestDue()).toBeUndefined();
  });
});
