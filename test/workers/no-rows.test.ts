import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test } from "vitest";
import { channelStub } from "../../src/platform/calls.ts";
import { Client, coordinator, keysOf, shard, startOver } from "./client.ts";

afterEach(() => startOver());

/** The tables that an object has, and what it keeps beside them. */
const stored = (stub: DurableObjectStub) =>
  runInDurableObject(stub, (_, { storage }) => ({
    tables: storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .toArray()
      .map(({ name }) => name)
      .filter((name) => !name.startsWith("_cf") && !name.startsWith("sqlite"))
      .toSorted(),
    keys: [...storage.kv.list()].map(([key]) => key).toSorted(),
  }));

test("[HK5] without hooks and webhook no session, no channel and no event has a row", async () => {
  const [key] = await keysOf("auto-1", 1);
  const client = await Client.connect(key ?? "");
  await client.ask({ subscribe: { channel: "room" } });
  await client.ask({ publish: { channel: "room", data: 1 } });
  await client.ask({ unsubscribe: { channel: "room" } });
  await client.ask({ subscribe: { channel: "kept:room" } });
  await coordinator().change({ change: { kind: "add", count: 1 }, dryRun: false, by: "test" });
  await abortAllDurableObjects();
  await client.closed;
  await runDurableObjectAlarm(shard("auto-1"));

  const { tables, keys } = await stored(shard("auto-1"));
  expect(tables).toEqual([]);
  expect(
    keys.filter((name) => !["descriptor", "timetable", "positions", "moves", "reported"].includes(name)),
  ).toEqual([]);
  for (const name of ["room", "kept:room"]) {
    const channel = await stored(channelStub(env, name));
    expect(channel.tables.filter((table) => table.includes("event"))).toEqual([]);
    expect(channel.keys).not.toContain("occupied");
  }
  expect((await stored(coordinator())).tables.filter((table) => table.includes("event"))).toEqual([]);
});
