import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EmptyChannels } from "../../../../src/shard/records/empty-channels.ts";
import { SimStorage } from "../../../sim/storage.ts";

const START = 1_800_000_000_000;
const GRACE_MS = 5_000;

/** The storage of a shard, its alarm, and the channels that it is registered with. */
class World {
  readonly storage = new SimStorage();
  /** The channels that know the shard as a listener. */
  readonly registered = new Set<string>();
  readonly listeners = new Map<string, number>();
  settled: string[] = [];
  /** The answers of the channels wait for this. */
  answers: Promise<void> = Promise.resolve();
  atOnce = 0;
  dueAt: number | undefined;
  shard = this.#newLife();

  #newLife(isWanted = false): EmptyChannels {
    let running = 0;
    const count = (channel: string): number => this.listeners.get(channel) ?? 0;
    return new EmptyChannels({
      storage: this.storage as unknown as DurableObjectStorage,
      isWanted: () => isWanted,
      graceMs: GRACE_MS,
      listeners: count,
      hasListeners: (channel) => count(channel) > 0,
      settle: async (channel) => {
        running += 1;
        this.atOnce = Math.max(this.atOnce, running);
        await Promise.resolve();
        running -= 1;
        this.settled.push(channel);
        if (count(channel) === 0) this.registered.delete(channel);
        const listens = this.registered.has(channel);
        await this.answers;
        return listens;
      },
      arm: (at) => void (this.dueAt = Math.min(at, this.dueAt ?? Infinity)),
      appoint: (at) => void (this.dueAt = at),
    });
  }

  /** A listener comes, and the shard registers. */
  join(channel: string): void {
    this.shard.registers(channel);
    this.registered.add(channel);
    this.listeners.set(channel, 1);
    this.shard.look(channel);
  }

  leave(channel: string): void {
    this.listeners.delete(channel);
    this.shard.look(channel);
  }

  crash({ isWanted = false }: { readonly isWanted?: boolean } = {}): void {
    this.listeners.clear();
    this.shard = this.#newLife(isWanted);
    this.shard.wake({ sockets: 0 });
  }

  /** Runs the alarm each time that it is due. */
  async pass(ms: number): Promise<void> {
    const until = Date.now() + ms;
    for (let dueAt = this.dueAt; dueAt !== undefined && dueAt <= until; dueAt = this.dueAt) {
      vi.setSystemTime(Math.max(Date.now(), dueAt));
      this.dueAt = undefined;
      this.dueAt = this.shard.run(Date.now());
      for (let turn = 0; turn < 1_000; turn++) await Promise.resolve();
    }
    vi.setSystemTime(until);
  }

  rows(): number {
    return this.storage.query("SELECT * FROM registered").length;
  }
}

let world: World;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
  world = new World();
});
afterEach(() => {
  world.storage.close();
  vi.useRealTimers();
});

test("[BD12] a channel without a listener is forgotten after a minute, and no row or appointment stays", async () => {
  world.join("room");
  world.leave("room");
  await world.pass(59_000);
  expect(world.settled).toEqual([]);
  await world.pass(11_000);
  expect(world.settled).toEqual(["room"]);
  expect([world.rows(), world.dueAt]).toEqual([0, undefined]);
});

test("[BD12] a listener that comes back within the minute keeps the registration", async () => {
  world.join("room");
  world.leave("room");
  await world.pass(50_000);
  world.join("room");
  await world.pass(3_600_000);
  expect(world.settled).toEqual([]);
  expect([world.rows(), world.dueAt]).toEqual([1, undefined]);
});

test("[BD12] after a crash every channel that nobody came back to is settled, 32 at a time", async () => {
  for (let n = 0; n < 350; n++) world.join(`room-${n}`);
  world.crash();
  world.join("room-7");
  await world.pass(200_000);
  expect(world.registered).toEqual(new Set(["room-7"]));
  expect(world.atOnce).toBeLessThanOrEqual(32);
  expect(new Set(world.settled).size).toBe(349);
  expect([world.rows(), world.dueAt]).toEqual([1, undefined]);
});

test("[BD12, HK7] a channel that a late register call of the life before the crash has occupied again is vacated again", async () => {
  world.join("room");
  world.crash({ isWanted: true });
  await world.pass(10_000);
  expect(world.settled).toEqual(["room"]);
  world.registered.add("room");
  await world.pass(60_000);
  expect(world.registered.size).toBe(0);
  expect([world.rows(), world.dueAt]).toEqual([0, undefined]);
});

test("[BD12, HK7] a channel whose answer comes after a newer listener has come and left is settled again", async () => {
  world.join("room");
  world.leave("room");
  const { promise, resolve } = Promise.withResolvers<void>();
  world.answers = promise;
  await world.pass(75_000);
  expect(world.settled).toEqual(["room"]);
  world.join("room");
  world.leave("room");
  resolve();
  await world.pass(100_000);
  expect(world.settled).toEqual(["room", "room"]);
  expect(world.registered.size).toBe(0);
  expect([world.rows(), world.dueAt]).toEqual([0, undefined]);
});

test("[BD12] a register call that failed and arrives after the channel was settled is settled too", async () => {
  world.crash({ isWanted: true });
  world.shard.registers("room");
  world.shard.registerFailed("room");
  world.shard.look("room");
  await world.pass(10_000);
  expect(world.settled).toEqual(["room"]);
  world.registered.add("room");
  await world.pass(60_000);
  expect(world.registered.size).toBe(0);
  expect(world.rows()).toBe(0);
});

test("[BD12] a shard that sleeps without a socket has forgotten its channels after two alarms", async () => {
  world.join("room");
  world.leave("room");
  let wakes = 0;
  // Each alarm wakes a new life.
  while (world.dueAt !== undefined && wakes < 10) {
    wakes += 1;
    vi.setSystemTime(world.dueAt);
    world.dueAt = undefined;
    world.crash();
    const next = world.shard.run(Date.now());
    for (let turn = 0; turn < 1_000; turn++) await Promise.resolve();
    if (next !== undefined && world.rows() > 0) world.dueAt = next;
  }
  expect([wakes, world.rows(), world.registered.size]).toEqual([2, 0, 0]);
});
