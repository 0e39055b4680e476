import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { KeptPosition } from "../../../../src/shard/subscriptions/heard.ts";
import { Positions } from "../../../../src/shard/subscriptions/positions.ts";

/** A shard whose storage counts its writes. */
class Store {
  readonly rows = new Map<string, unknown>();
  readonly positions = new Map<string, KeptPosition>();
  puts: string[] = [];
  deletes: string[] = [];

  /** A new life of the shard. */
  wake({ sockets }: { readonly sockets: number }): {
    readonly kept: ReadonlyMap<string, KeptPosition>;
    readonly hear: (channel: string, offset: number) => void;
  } {
    const storage = {
      kv: {
        get: (key: string) => this.rows.get(key),
        put: (key: string, value: unknown) => {
          this.puts.push(key);
          this.rows.set(key, structuredClone(value));
        },
        delete: (key: string) => {
          if (this.rows.has(key)) this.deletes.push(key);
          return this.rows.delete(key);
        },
        list: ({ prefix }: { prefix: string }) => [...this.rows].filter(([key]) => key.startsWith(prefix)),
      },
      transactionSync: (work: () => void) => work(),
    };
    const ctx = { storage, waitUntil: () => undefined };
    const positions = new Positions(
      ctx as unknown as ConstructorParameters<typeof Positions>[0],
      () => this.positions,
    );
    return {
      kept: positions.wake({ sockets }),
      hear: (channel, offset) => {
        this.positions.set(channel, { logEpoch: "e", offset, durable: true });
        positions.touch(channel);
      },
    };
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("scheduler", {
    wait: (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms)),
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("[BD10] positions of 40,000 channels are stored in values of at most 128 KB, and each is there after a sleep", async () => {
  const store = new Store();
  const { hear } = store.wake({ sockets: 1 });
  for (let n = 0; n < 40_000; n++) hear(`kept:game-${n}`, n);
  // SPEC BD100.
  const superseded = { logEpoch: "d", offset: 9 };
  store.positions.set("kept:game-7", { logEpoch: "e", offset: 7, durable: false, superseded });
  await vi.runAllTimersAsync();
  const lengths = [...store.rows.values()].map((value) => (typeof value === "string" ? value.length : 0));
  expect(Math.max(...lengths)).toBeLessThanOrEqual(131_072);
  const { kept } = store.wake({ sockets: 1 });
  expect(kept).toEqual(store.positions);
});

test("[BD10] a burst of deliveries stores one mark at its start, and afterwards the bucket of each channel that has changed", async () => {
  const store = new Store();
  const { hear } = store.wake({ sockets: 1 });
  for (let n = 0; n < 40_000; n++) hear(`kept:game-${n}`, n);
  await vi.runAllTimersAsync();
  store.puts = [];
  store.deletes = [];
  for (let n = 0; n < 1_000; n++) {
    hear("kept:game-7", 100 + n);
    await vi.advanceTimersByTimeAsync(100);
  }
  expect([store.deletes, store.puts]).toEqual([["positions"], []]);
  await vi.runAllTimersAsync();
  expect(store.deletes).toHaveLength(1);
  expect(store.puts).toHaveLength(2);
  expect(store.puts.filter((key) => key === "positions")).toHaveLength(1);
  expect(store.wake({ sockets: 1 }).kept.get("kept:game-7")?.offset).toBe(1_099);
});

test("[BD10, DL8] a wake that finds the positions dirty, or no socket, believes none of them, and drops them", async () => {
  const dirty = new Store();
  const { hear } = dirty.wake({ sockets: 1 });
  hear("kept:a", 1);
  await vi.runAllTimersAsync();
  hear("kept:a", 2);
  expect(dirty.wake({ sockets: 1 }).kept.size).toBe(0);
  expect(dirty.rows.size).toBe(0);

  const crashed = new Store();
  crashed.wake({ sockets: 1 }).hear("kept:a", 1);
  await vi.runAllTimersAsync();
  expect(crashed.wake({ sockets: 0 }).kept.size).toBe(0);
  expect(crashed.wake({ sockets: 1 }).kept.size).toBe(0);
  expect(crashed.rows.size).toBe(0);
});

test("[BD16, CT1] release 0.2.0 reads the positions of this release, and this release believes those that it has written since", async () => {
  const store = new Store();
  store.wake({ sockets: 1 }).hear("kept:a", 1);
  await vi.runAllTimersAsync();
  // The one value of release 0.2.0.
  expect(store.rows).toEqual(
    new Map([["positions", new Map([["kept:a", { logEpoch: "e", offset: 1, durable: true }]])]]),
  );
  const old = new Map([["kept:a", { logEpoch: "e", offset: 5, durable: true }]]);
  store.rows.set("positions", old);
  const { kept, hear } = store.wake({ sockets: 1 });
  expect(kept).toEqual(old);
  hear("kept:a", 6);
  expect(store.rows.has("positions")).toBe(false);
  await vi.runAllTimersAsync();
  expect(store.wake({ sockets: 1 }).kept.get("kept:a")?.offset).toBe(6);
});

test("[BD16] release 0.2.0 finds no channel where the positions are too many for it, and what it then writes is believed", async () => {
  const store = new Store();
  const { hear } = store.wake({ sockets: 1 });
  for (let n = 0; n < 40_000; n++) hear(`kept:game-${n}`, n);
  await vi.runAllTimersAsync();
  const seen = store.rows.get("positions") as ReadonlyMap<string, KeptPosition>;
  expect([...seen.keys()].filter((channel) => channel !== "")).toEqual([]);
  const old = new Map([["kept:game-7", { logEpoch: "e", offset: 99, durable: true }]]);
  store.rows.set("positions", old);
  expect(store.wake({ sockets: 1 }).kept).toEqual(old);
  store.wake({ sockets: 0 });
  expect(store.rows.size).toBe(0);
});

test("[DL8] positions that cannot be read are not believed, and keep no shard from waking", () => {
  vi.spyOn(console, "error").mockReturnValue();
  const store = new Store();
  store.rows.set("positions", new Map([["", { logEpoch: "", offset: 2, durable: false }]]));
  store.rows.set("positions:0", '[["a","e",1,1]]');
  store.rows.set("positions:1", '[["b","e",');
  expect(store.wake({ sockets: 1 }).kept.size).toBe(0);
  expect(store.rows.size).toBe(0);
  vi.restoreAllMocks();
});
