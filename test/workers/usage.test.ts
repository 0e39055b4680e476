import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { addUsage, NO_USAGE, type Usage } from "../../src/contracts/usage.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { costReport } from "../../src/router/admin/schemas/cost.ts";
import { Channel } from "../../src/channel/channel.ts";
import { Coordinator } from "../../src/coordinator/coordinator.ts";
import { Shard } from "../../src/shard/shard.ts";
import {
  api,
  appointmentsOf,
  channelObject,
  Client,
  coordinator,
  coordinatorObject,
  fetchWorker,
  keysOf,
  settled,
  shard,
  shardObject,
  startOver,
  until,
} from "./client.ts";

const READ_KEY = "test-read-key-of-16";

type Counted = Pick<Usage, "calls" | "upgrades" | "frames" | "alarms" | "rowsRead" | "rowsWritten">;
type Cursor = { readonly rowsRead: number; readonly rowsWritten: number };

/** Counts the work of the runtime for each object from beside it: under its storage, and above its methods. */
class Witness {
  readonly #ways = new Map<string, Record<"calls" | "upgrades" | "frames" | "alarms", number>>();
  /** By the object of the runtime that has run the query. */
  readonly #cursors = new Map<object, Cursor[]>();
  readonly #rows = new Map<object, { read: number; written: number }>();
  /** The objects of the runtime that have belonged to one of ours, over its lives. */
  readonly #owned = new Map<string, Set<object>>();
  readonly #undo: (() => void)[] = [];
  /** The usage in an answer, and what was seen in the same turn. */
  readonly answers: { readonly id: string; readonly told: Counted; readonly seen: Counted }[] = [];

  async begin(): Promise<void> {
    await runInDurableObject(channelObject("prototypes"), (_, { storage }) => this.#watchStorage(storage));
    const ways = { fetch: "upgrades", alarm: "alarms", webSocketMessage: "frames" } as const;
    for (const Class of [Shard, Channel, Coordinator]) {
      for (const name of Object.getOwnPropertyNames(Class.prototype)) {
        const method: unknown = Reflect.get(Class.prototype, name);
        if (name === "constructor" || typeof method !== "function") continue;
        const way = name in ways ? ways[name as keyof typeof ways] : "calls";
        const silent = name.startsWith("webSocket") && way !== "frames";
        const see = (object: object): string => {
          const { id, storage } = (object as { readonly ctx: DurableObjectState }).ctx;
          const key = id.toString();
          const { sql, kv } = storage;
          this.#owned.set(key, new Set([...(this.#owned.get(key) ?? []), sql, kv, storage]));
          if (silent) return key;
          const seen = this.#ways.get(key) ?? { calls: 0, upgrades: 0, frames: 0, alarms: 0 };
          seen[way] += 1;
          this.#ways.set(key, seen);
          return key;
        };
        const { answers } = this;
        const seenOf = (key: string) => this.seen(key);
        this.#replace(Class.prototype, name, function (this: object, ...values: unknown[]) {
          const id = see(this);
          const answer: unknown = Reflect.apply(method, this, values);
          if (name === "status") {
            const { usage } = answer as { usage: { own: Usage } };
            answers.push({ id, told: countedOf(usage.own), seen: seenOf(id) });
          }
          if (name === "cost")
            return (answer as Promise<{ coordinator: { usage: Usage } }>).then((report) => {
              answers.push({ id, told: countedOf(report.coordinator.usage), seen: seenOf(id) });
              return report;
            });
          return answer;
        });
      }
    }
  }

  end(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }

  /** What was seen of an object until now. */
  seen(id: string): Counted {
    let [rowsRead, rowsWritten] = [0, 0];
    for (const part of this.#owned.get(id) ?? []) {
      for (const cursor of this.#cursors.get(part) ?? []) {
        rowsRead += cursor.rowsRead;
        rowsWritten += cursor.rowsWritten;
      }
      rowsRead += this.#rows.get(part)?.read ?? 0;
      rowsWritten += this.#rows.get(part)?.written ?? 0;
    }
    const ways = this.#ways.get(id) ?? { calls: 0, upgrades: 0, frames: 0, alarms: 0 };
    return { ...ways, rowsRead, rowsWritten };
  }

  #watchStorage(storage: DurableObjectStorage): void {
    const [sql, kv, whole] = [storage.sql, storage.kv, storage].map((part): object =>
      Object.getPrototypeOf(part),
    );
    if (sql === undefined || kv === undefined || whole === undefined) throw new Error("no prototypes");
    const cursors = this.#cursors;
    this.#wrap(sql, "exec", (part, cursor) => {
      cursors.set(part, [...(cursors.get(part) ?? []), cursor as Cursor]);
    });
    const add = (part: object, { read = 0, written = 0 }): void => {
      const before = this.#rows.get(part) ?? { read: 0, written: 0 };
      this.#rows.set(part, { read: before.read + read, written: before.written + written });
    };
    this.#wrap(kv, "get", (part) => add(part, { read: 1 }));
    this.#wrap(kv, "put", (part) => add(part, { written: 1 }));
    const list = Reflect.get(kv, "list") as (...values: unknown[]) => Iterable<unknown>;
    this.#replace(kv, "list", function (this: object, ...values: unknown[]) {
      const entries = [...Reflect.apply(list, this, values)];
      add(this, { read: entries.length });
      return entries;
    });
    this.#wrap(kv, "delete", (part) => add(part, { written: 1 }));
    this.#wrap(whole, "setAlarm", (part) => add(part, { written: 1 }));
  }

  #wrap(prototype: object, name: string, after: (part: object, answer: unknown) => void): void {
    const method = Reflect.get(prototype, name) as (...values: unknown[]) => unknown;
    this.#replace(prototype, name, function (this: object, ...values: unknown[]) {
      const answer = Reflect.apply(method, this, values);
      after(this, answer);
      return answer;
    });
  }

  #replace(prototype: object, name: string, value: unknown): void {
    const before = Object.getOwnPropertyDescriptor(prototype, name);
    Object.defineProperty(prototype, name, { configurable: true, writable: true, value });
    this.#undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(prototype, name);
      else Object.defineProperty(prototype, name, before);
    });
  }
}

function countedOf(usage: Usage): Counted {
  const { calls, upgrades, frames, alarms, rowsRead, rowsWritten } = usage;
  return { calls, upgrades, frames, alarms, rowsRead, rowsWritten };
}

const idOf = (object: DurableObjectStub): string => object.id.toString();

let witness: Witness;
beforeEach(async () => {
  witness = new Witness();
  await witness.begin();
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  witness.end();
  await startOver();
});

/** A shard with two clients, one of which publishes; and the pings, a sleep, and the ends. */
async function live(): Promise<void> {
  const [one = "", two = ""] = await keysOf("auto-1", 2);
  const [listener, publisher] = [await Client.connect(one), await Client.connect(two)];
  await listener.ask({ subscribe: { channel: "kept:room" } });
  await publisher.ask({ subscribe: { channel: "kept:room" } });
  for (let n = 0; n < 3; n++) await publisher.ask({ publish: { channel: "kept:room", data: n } });
  await api("publish", { channel: "kept:room", data: 3 });
  await until(() => listener.heard("kept:room").length === 4);
  await runDurableObjectAlarm(shardObject("auto-1"));
}

/** The last answer of an object that has told its usage. */
function lastOf(object: DurableObjectStub): { readonly told: Counted; readonly seen: Counted } {
  const answer = witness.answers.findLast(({ id }) => id === idOf(object));
  if (answer === undefined) throw new Error("the object has not told its usage");
  return answer;
}

const shardUsage = async (id: string) => {
  const { usage } = await shard(id).status(CONTRACT);
  if (usage === undefined) throw new Error("the status has no usage");
  return usage;
};

describe("[EL50] the counts of requests, rows and alarms are those of the runtime", () => {
  test("of a shard", async () => {
    await live();
    await shard("auto-1").status(CONTRACT);
    const { told, seen } = lastOf(shardObject("auto-1"));
    expect(told).toEqual(seen);
    expect(Object.entries(told).filter(([, count]) => count === 0)).toEqual([]);
  });

  test("of the coordinator", async () => {
    await live();
    await api("broadcast", { channels: ["ringcast:broadcast"], data: 1 });
    await runDurableObjectAlarm(coordinatorObject());
    await coordinator().cost(CONTRACT);
    const { told, seen } = lastOf(coordinatorObject());
    expect(told).toEqual(seen);
    expect(told.rowsWritten).toBeGreaterThan(0);
  });
});

test("[EL51] a look at the usage is no news: no shard makes an appointment to report it", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  const client = await Client.connect(key);
  await settled();
  const object = shardObject("auto-1");
  const pingLater = async (): Promise<void> => {
    vi.setSystemTime(Date.now() + 120_000);
    // The peer lives.
    await client.ask({ presence_stats: { channel: "lobby" } });
    await runDurableObjectAlarm(object);
  };
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  await until(async () => {
    // The rate of upgrades fades.
    await pingLater();
    return !(await appointmentsOf(object)).includes("report");
  });
  const before = await shardUsage("auto-1");
  const { calls } = witness.seen(idOf(coordinatorObject()));
  for (let n = 0; n < 3; n++) {
    await pingLater();
    await shardUsage("auto-1");
    expect(await appointmentsOf(object)).toEqual(["ping"]);
  }
  expect((await shardUsage("auto-1")).own.alarms).toBe(before.own.alarms + 3);
  expect(witness.seen(idOf(coordinatorObject())).calls).toBe(calls);
});

test("[EL54] the estimate of the bill has every shard, the coordinator, the namespaces, and a month", async () => {
  await live();
  const response = await fetchWorker(
    new Request("https://ringcast.test/admin/api/cost", { headers: { "x-api-key": READ_KEY } }),
  );
  expect(response.status).toBe(200);
  const report = costReport.parse(await response.json());
  expect(report.shards.map(({ id, stale }) => ({ id, stale }))).toEqual(
    ["auto-1", "auto-2", "auto-3", "auto-4"].map((id) => ({ id, stale: false })),
  );
  const [busy, ...idle] = report.shards.map(({ cost }) => cost?.dollarsAMonth ?? 0);
  for (const one of idle) expect(busy).toBeGreaterThan(one);
  expect(report.channels.map(({ namespace }) => namespace)).toContain("kept");
  expect(report.broadcast).toMatchObject({ requests: 5, rowsWritten: 2 });
  const { plan, total, listPrice, ...parts } = report.month;
  expect(plan).toBe(5);
  expect(total).toBeCloseTo(Object.values(parts).reduce((sum, part) => sum + part, plan));
  const lines = [report.coordinator, ...[...report.shards, ...report.channels].map(({ cost }) => cost)];
  expect(lines.every((line) => (line?.dollarsAMonth ?? 0) > 0)).toBe(true);
  expect(listPrice).toBeCloseTo(lines.reduce((sum, line) => sum + (line?.dollarsAMonth ?? 0), 0));
});

test("[EL54] a shard that does not answer shows the usage of its last report", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  await Client.connect(key);
  await settled();
  vi.spyOn(Shard.prototype, "status").mockImplementation(() => {
    throw new Error("this shard does not answer");
  });
  const { shards } = await coordinator().cost(CONTRACT);
  const known = shards.find(({ id }) => id === "auto-1");
  expect(known?.stale).toBe(true);
  expect(known?.cost?.usage.upgrades).toBe(1);
  expect(shards.find(({ id }) => id === "auto-2")).toMatchObject({ stale: true, cost: null });
});

/** The counts in the row of a channel's timetable, which it has told no shard. */
const keptBy = (channel: string): Promise<Usage> =>
  runInDurableObject(channelObject(channel), (_, { storage }) => {
    const row = Object.entries(storage.kv.get<Record<string, number>>("timetable") ?? {});
    const counts = row.flatMap(([name, value]) =>
      name.startsWith("#") ? [[name.slice(1), value - Date.UTC(2100, 0, 1)]] : [],
    );
    return { ...NO_USAGE, ...Object.fromEntries(counts) };
  });

test("[EL52] shards know the usage of channels by namespace, over sleeps of the channels, each count once", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  const [key = ""] = await keysOf("auto-1", 1);
  const listener = await Client.connect(key);
  const room = channelObject("kept:room");
  // Before a shard listens.
  await api("publish", { channel: "kept:room", data: 0 });
  await evictDurableObject(room);
  await listener.ask({ subscribe: { channel: "kept:room" } });
  await listener.ask({ subscribe: { channel: "lobby" } });
  for (let n = 1; n <= 3; n++) {
    await api("publish", { channel: "kept:room", data: n });
    await until(() => listener.heard("kept:room").length === n);
    // The alarm that looks whether all is delivered.
    vi.setSystemTime(Date.now() + 6_000);
    await runDurableObjectAlarm(room);
    await evictDurableObject(room);
  }
  const seen = witness.seen(idOf(room));
  const { channels } = await shardUsage("auto-1");
  expect(Object.keys(channels).toSorted()).toEqual(["", "kept"]);
  const kept = await keptBy("kept:room");
  expect(countedOf(addUsage(channels["kept"] ?? NO_USAGE, kept))).toEqual(seen);
  expect(countedOf(kept)).not.toEqual(countedOf(NO_USAGE));
});

test("[EL53] a shard keeps its counts through a sleep, in the row of its next appointment", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  const client = await Client.connect(key);
  await client.ask({ subscribe: { channel: "kept:room" } });
  // The ping: its next appointment is written.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 26_000 });
  await runDurableObjectAlarm(shardObject("auto-1"));
  const before = await shardUsage("auto-1");
  await evictDurableObject(shardObject("auto-1"), { webSockets: "hibernate" });
  const after = await shardUsage("auto-1");
  expect(after.since).toBe(before.since);
  expect(after.own.upgrades).toBe(before.own.upgrades);
  expect(after.own.frames).toBe(before.own.frames);
  expect(after.own.alarms).toBe(before.own.alarms);
  expect(after.own.rowsWritten).toBeGreaterThanOrEqual(before.own.rowsWritten);
  expect(after.channels).toEqual(before.channels);
});
