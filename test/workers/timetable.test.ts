import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { SignJWT } from "jose";
import { afterEach, describe, expect, test } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { Timetable } from "../../src/platform/timetable.ts";
import {
  api,
  appointmentsOf,
  channelObject,
  Client,
  coordinator,
  coordinatorObject,
  keysOf,
  shard,
  shardObject,
  settled,
  startOver,
  until,
} from "./client.ts";

afterEach(() => startOver());

const HOUR_MS = 3_600_000;

const tokenUntil = (seconds: number): Promise<string> =>
  new SignJWT({ sub: "ann" })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime(seconds)
    .sign(new TextEncoder().encode(env.TOKEN_HMAC_SECRET));

/** The alarm of an object, and the earliest of its appointments. */
const alarmOf = (object: DurableObjectStub) =>
  runInDurableObject(object, async (_, { storage }) => ({
    alarm: await storage.getAlarm(),
    first: Math.min(...Object.values(storage.kv.get<Record<string, number>>("timetable") ?? {})),
  }));

/** The runtime has given up the alarm after six failures, and the object has died since. */
async function loseAlarm(object: DurableObjectStub): Promise<void> {
  await runInDurableObject(object, async (_, { storage }) => storage.deleteAlarm());
  await evictDurableObject(object, { webSockets: "hibernate" });
}

describe("[BD50] an alarm that was lost is set again in the next life of its object", () => {
  test("of a shard", async () => {
    const [key] = await keysOf("auto-1", 1);
    await Client.connect(key ?? "");
    await settled();
    await loseAlarm(shardObject("auto-1"));
    await shard("auto-1").status(CONTRACT);
    await until(async () => (await alarmOf(shardObject("auto-1"))).alarm !== null);
    const { alarm, first } = await alarmOf(shardObject("auto-1"));
    expect(alarm).toBe(first);
  });

  test("of a channel", async () => {
    await api("publish", { channel: "kept:room", data: 1 });
    await loseAlarm(channelObject("kept:room"));
    await api("history", { channel: "kept:room", limit: 0 });
    await until(async () => (await alarmOf(channelObject("kept:room"))).alarm !== null);
    const { alarm, first } = await alarmOf(channelObject("kept:room"));
    expect(alarm).toBe(first);
  });

  test("of the coordinator", async () => {
    await api("broadcast", { channels: ["ringcast:broadcast"], data: 1 });
    await loseAlarm(coordinatorObject());
    await coordinator().descriptor(CONTRACT);
    await until(async () => (await alarmOf(coordinatorObject())).alarm !== null);
    const { alarm, first } = await alarmOf(coordinatorObject());
    expect(alarm).toBe(first);
  });
});

/** A timetable over the storage of an object that makes no appointments of its own. */
const withTimetable = <T>(
  work: (timetable: Timetable<"a" | "b">, storage: DurableObjectStorage) => Promise<T>,
) =>
  runInDurableObject(channelObject("empty"), (_, { storage }) =>
    work(new Timetable<"a" | "b">(storage), storage),
  );

describe("[BD50] an appointment moves to an earlier and to a later time", () => {
  test("the alarm is at the earliest appointment after each move, and ends with the last", async () => {
    await withTimetable(async (timetable, storage) => {
      const now = Date.now() + HOUR_MS;
      await timetable.set("a", now + 3);
      await timetable.arm("b", now + 5);
      expect(await storage.getAlarm()).toBe(now + 3);
      await timetable.set("a", now + 9);
      expect(await storage.getAlarm()).toBe(now + 5);
      await timetable.arm("a", now + 1);
      expect(await storage.getAlarm()).toBe(now + 1);
      await timetable.arm("a", now + 2);
      expect(timetable.at("a")).toBe(now + 1);
      await timetable.set("a", undefined);
      expect(await storage.getAlarm()).toBe(now + 5);
      await timetable.set("b", undefined);
      expect(await storage.getAlarm()).toBe(null);
      expect(storage.kv.get("timetable")).toEqual({});
    });
  });

  test("an appointment that is made for a duty while the duty runs is kept", async () => {
    await withTimetable(async (timetable, storage) => {
      const now = Date.now();
      await timetable.arm("a", now);
      await timetable.run(now, async (name) => {
        await timetable.arm(name, now + HOUR_MS);
        return now + 2 * HOUR_MS;
      });
      expect(await storage.getAlarm()).toBe(now + HOUR_MS);
    });
  });
});

describe("[BD51] a date that the platform refuses becomes one that it takes", () => {
  test.each([9_999_999_999_000, Number.MAX_SAFE_INTEGER, Infinity])("%d", async (at) => {
    await withTimetable(async (timetable, storage) => {
      await timetable.arm("a", at);
      expect(await storage.getAlarm()).toBe(Date.UTC(2100, 0, 1));
      await timetable.arm("b", Date.now() + HOUR_MS);
      await timetable.run(Date.now() + 2 * HOUR_MS, async () => at);
      expect(await storage.getAlarm()).toBe(Date.UTC(2100, 0, 1));
    });
  });
});

test.each([4_000_000_000, 9_999_999_999])(
  "[BD51] [BD52] a shard has no alarm after its last client has left, whose token was good until %d",
  async (expiry) => {
    const [key] = await keysOf("auto-1", 1);
    const client = await Client.open(key ?? "");
    const answer = await client.ask({ connect: { token: await tokenUntil(expiry) } });
    expect(answer["connect"]).toBeDefined();
    client.socket.close(1000);
    await client.closed;
    await settled();
    const object = shardObject("auto-1");
    await runInDurableObject(object, (_, { storage }) => {
      const timetable = storage.kv.get<Record<string, number>>("timetable");
      storage.kv.put("timetable", { ...timetable, ping: Date.now() });
    });
    await evictDurableObject(object, { webSockets: "hibernate" });
    await runDurableObjectAlarm(object);
    expect(await appointmentsOf(object)).toEqual([]);
    expect((await alarmOf(object)).alarm).toBe(null);
  },
);
