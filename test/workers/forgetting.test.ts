import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { migrate } from "../../src/log/schema.ts";
import { api, channelObject, Client, keysOf, shard, shardObject, startOver, until } from "./client.ts";

afterEach(async () => {
  vi.useRealTimers();
  await startOver();
});

const rowsOf = (stub: DurableObjectStub, table: string) =>
  runInDurableObject(
    stub,
    (_, { storage }) => storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
  );

/** Two minutes later, the shard's alarm rings. */
async function passMinutes(): Promise<void> {
  vi.useFakeTimers({ now: Date.now() + 120_000, toFake: ["Date"] });
  await runDurableObjectAlarm(shardObject("auto-1"));
}

test("[BD12] shard and channel forget each other when everybody has left a channel in which nothing is published", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  const ann = await Client.connect(key);
  for (const channel of ["kept:a", "room"]) {
    await ann.ask({ subscribe: { channel } });
    await ann.ask({ unsubscribe: { channel } });
    expect(await rowsOf(channelObject(channel), "listeners")).toBe(1);
  }
  await passMinutes();
  await until(async () => (await rowsOf(shardObject("auto-1"), "registered")) === 0);
  expect(await rowsOf(channelObject("kept:a"), "listeners")).toBe(0);
  // Nothing is kept of a channel without history.
  expect((await storedBy(channelObject("room"))).tables).toEqual([]);
  expect((await shard("auto-1").status(CONTRACT)).channels).toBe(0);
});

test("[BD44] a shard writes one row when it begins to follow a channel, and one when it forgets the channel", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  const ann = await Client.connect(key);
  await ann.ask({ subscribe: { channel: "room" } });
  const written = await runInDurableObject(shardObject("auto-1"), (_, { storage: { sql } }) =>
    ["INSERT INTO registered VALUES ('other')", "DELETE FROM registered WHERE channel = 'other'"].map(
      (query) => sql.exec(query).rowsWritten,
    ),
  );
  expect(written).toEqual([1, 1]);
});

test("[BD12] a listener that comes while its shard is being forgotten hears every publication", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  const ann = await Client.connect(key);
  await ann.ask({ subscribe: { channel: "kept:a" } });
  await ann.ask({ unsubscribe: { channel: "kept:a" } });
  await Promise.all([passMinutes(), ann.ask({ subscribe: { channel: "kept:a" } })]);
  await api("publish", { channel: "kept:a", data: 1 });
  await until(() => ann.heard("kept:a").includes(1));
  await until(async () => (await rowsOf(channelObject("kept:a"), "listeners")) === 1);
});

/** The tables and keys that an object has stored. */
const storedBy = (stub: DurableObjectStub) =>
  runInDurableObject(stub, async (_, { storage }) => ({
    tables: storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .toArray()
      .map(({ name }) => name)
      .filter((name) => !name.startsWith("_cf") && !name.startsWith("sqlite")),
    keys: [...storage.kv.list()].map(([key]) => key),
    alarm: await storage.getAlarm(),
  }));
const NOTHING = { tables: [], keys: [], alarm: null };

test("[BD13] reading a name that was never used stores nothing", async () => {
  await api("history", { channel: "kept:unused", limit: 10 });
  await api("presence", { channel: "room" });
  await api("history_remove", { channel: "kept:unused" });
  await api("publish", { channel: "room", data: 1 });
  for (const name of ["kept:unused", "room"]) expect(await storedBy(channelObject(name))).toEqual(NOTHING);
});

test("[BD13, LG3] a channel that nobody needs deletes everything, and begins anew with another log epoch", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  const ann = await Client.connect(key);
  const subscribe = async (channel: string) =>
    (await ann.ask({ subscribe: { channel } }))["subscribe"] as { epoch: string };
  const { epoch } = await subscribe("kept:a");
  await subscribe("room");
  await api("publish", { channel: "kept:a", data: 1 });
  for (const channel of ["kept:a", "room"]) await ann.ask({ unsubscribe: { channel } });
  await passMinutes();
  await until(async () => (await rowsOf(shardObject("auto-1"), "registered")) === 0);
  // A channel without history has nothing to remember.
  expect(await storedBy(channelObject("room"))).toEqual(NOTHING);
  expect((await storedBy(channelObject("kept:a"))).tables).toContain("publications");

  vi.useRealTimers();
  vi.useFakeTimers({ now: Date.now() + 40 * 86_400_000, toFake: ["Date"] });
  // The rows that have run out go first.
  await runDurableObjectAlarm(channelObject("kept:a"));
  await runDurableObjectAlarm(channelObject("kept:a"));
  expect(await storedBy(channelObject("kept:a"))).toEqual(NOTHING);

  const anew = await subscribe("kept:a");
  expect(anew.epoch).not.toBe(epoch);
  await api("publish", { channel: "kept:a", data: 2 });
  await until(() => ann.heard("kept:a").length === 2);
  expect(ann.heard("kept:a")).toEqual([1, 2]);
});

describe("[BD42] what release 0.2.0 left of a channel that nobody uses is forgotten", () => {
  /** A channel whose history nobody reads, without an appointment: so 0.2.0 could leave it. */
  async function leftOver(channel: string): Promise<void> {
    await api("publish", { channel, data: 1 });
    await runInDurableObject(channelObject(channel), async (_, { storage }) => {
      storage.kv.delete("timetable");
      await storage.deleteAlarm();
    });
    await evictDurableObject(channelObject(channel));
  }

  test("its history is given an appointment by the first call, and then everything goes", async () => {
    await leftOver("kept:old");
    expect((await storedBy(channelObject("kept:old"))).alarm).toBe(null);
    await api("presence", { channel: "kept:old" });
    const days = 24 * 3_600_000;
    for (const later of [1, 40, 80]) {
      expect((await storedBy(channelObject("kept:old"))).alarm).not.toBe(null);
      vi.useFakeTimers({ now: Date.now() + later * days, toFake: ["Date"] });
      await runDurableObjectAlarm(channelObject("kept:old"));
      if ((await storedBy(channelObject("kept:old"))).tables.length === 0) break;
    }
    expect(await storedBy(channelObject("kept:old"))).toEqual(NOTHING);
  });

  test("the tables of a channel without history go with the first call, also where that registers a listener", async () => {
    const before = async (): Promise<void> => {
      await runInDurableObject(channelObject("room"), (_, { storage }) => migrate(storage));
      await evictDurableObject(channelObject("room"));
    };
    await before();
    await api("presence", { channel: "room" });
    expect(await storedBy(channelObject("room"))).toEqual(NOTHING);
    await before();
    const ann = await Client.connect("ann");
    await ann.ask({ subscribe: { channel: "room" } });
    await api("publish", { channel: "room", data: 1 });
    await until(() => ann.heard("room").includes(1));
    await evictDurableObject(channelObject("room"));
    await api("publish", { channel: "room", data: 2 });
    await until(() => ann.heard("room").includes(2));
  });
});
