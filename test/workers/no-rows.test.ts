import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import {
  changeRing,
  channelObject,
  Client,
  coordinatorObject,
  keysOf,
  shardObject,
  startOver,
} from "./client.ts";

afterEach(() => startOver());

/** The tables of an object, and the keys of its key-value storage. */
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

test("[HK5] an object stores sessions and events only for a hook or a webhook", async () => {
  const [key] = await keysOf("auto-1", 1);
  const client = await Client.connect(key ?? "");
  await client.ask({ subscribe: { channel: "room" } });
  await client.ask({ publish: { channel: "room", data: 1 } });
  await client.ask({ unsubscribe: { channel: "room" } });
  await client.ask({ subscribe: { channel: "kept:room" } });
  await changeRing({ kind: "add", count: 1 });
  await abortAllDurableObjects();
  await client.closed;
  await runDurableObjectAlarm(shardObject("auto-1"));

  const { tables, keys } = await stored(shardObject("auto-1"));
  expect(tables).toEqual(["registered"]);
  expect(
    keys.filter(
      (name) =>
        !["descriptor", "timetable", "moves", "reported", "aloneSince"].includes(name) &&
        !name.startsWith("positions"),
    ),
  ).toEqual([]);
  for (const name of ["room", "kept:room"]) {
    const channel = await stored(channelObject(name));
    expect(channel.tables.filter((table) => table.includes("event"))).toEqual([]);
    expect(channel.keys).not.toContain("occupied");
  }
  expect((await stored(coordinatorObject())).tables.filter((table) => table.includes("event"))).toEqual([]);
});
