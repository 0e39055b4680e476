import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ChannelEvent } from "../../src/contracts/publication.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import type { LogDuty } from "../../src/log/channel-log-parts.ts";
import { ChannelLog } from "../../src/log/channel-log.ts";
import { migrate } from "../../src/log/schema.ts";
import { channelStub } from "../../src/platform/calls.ts";
import { configOf } from "../../src/platform/config.ts";
import { Timetable } from "../../src/platform/timetable.ts";
import {
  api,
  appointmentsOf,
  channelObject,
  Client,
  coordinator,
  coordinatorObject,
  errorOf,
  keysOf,
  shardObject,
  startOver,
  until,
} from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await startOver();
});

const FULL = "database or disk is full: SQLITE_FULL";

/** The statement that matches throws the next time that the object runs it. */
const failOnce = (stub: DurableObjectStub, statement: RegExp): Promise<void> =>
  runInDurableObject(stub, (_, { storage: { sql } }) => {
    const exec = sql.exec.bind(sql);
    let hasFailed = false;
    const refuse = (query: string, ...values: unknown[]): unknown => {
      if (!hasFailed && statement.test(query)) {
        hasFailed = true;
        throw new Error(FULL);
      }
      return exec(query, ...values);
    };
    Object.defineProperty(sql, "exec", { configurable: true, value: refuse });
  });

/** The next time that the object stores its timetable throws. */
const failTimetableOnce = (stub: DurableObjectStub): Promise<void> =>
  runInDurableObject(stub, (_, { storage: { kv } }) => {
    const put = kv.put.bind(kv);
    let hasFailed = false;
    const refuse = (name: string, value: unknown): void => {
      if (name === "timetable" && !hasFailed) {
        hasFailed = true;
        throw new Error(FULL);
      }
      put(name, value);
    };
    Object.defineProperty(kv, "put", { configurable: true, value: refuse });
  });

describe("[DL8] a life of an object that could not wake", () => {
  test("of a channel ends, and the next one wakes wholly", async () => {
    await api("publish", { channel: "kept:a", data: 1 });
    await evictDurableObject(channelObject("kept:a"));
    const wake = vi.spyOn(ChannelLog.prototype, "wake");
    wake.mockImplementationOnce(() => {
      throw new Error(FULL);
    });
    await errorOf(() => channelStub(env, "kept:a").view(0, CONTRACT));
    expect((await channelStub(env, "kept:a").view(0, CONTRACT)).top).toBe(1);
    expect(wake).toHaveBeenCalledTimes(2);
  });

  test("of the coordinator ends, and the next one wakes wholly", async () => {
    await coordinator().descriptor(CONTRACT);
    await evictDurableObject(coordinatorObject());
    const wake = vi.spyOn(ChannelLog.prototype, "wake");
    wake.mockImplementationOnce(() => {
      throw new Error(FULL);
    });
    await errorOf(() => coordinator().descriptor(CONTRACT));
    expect((await coordinator().descriptor(CONTRACT)).epoch).toBe(1);
    expect(wake).toHaveBeenCalledTimes(2);
  });
});

test("[DL5] a channel whose log could not be made at its first publication takes the next one", async () => {
  await failOnce(channelObject("kept:new"), /INSERT INTO log /);
  const publish = (id: string) => channelStub(env, "kept:new").publish({ id, body: '{"data":1}' }, CONTRACT);
  expect(await errorOf(() => publish("a"))).toContain("SQLITE_FULL");
  expect((await publish("a")).offset).toBe(1);
});

describe("[BD50] a write that throws once forgets no appointment", () => {
  test("of the row of the timetable", async () => {
    const [key = ""] = await keysOf("auto-1", 1);
    const ann = await Client.connect(key);
    await ann.ask({ subscribe: { channel: "kept:a" } });
    await failTimetableOnce(channelObject("kept:a"));
    await api("publish", { channel: "kept:a", data: 1 });
    await api("publish", { channel: "kept:a", data: 2 });
    await until(() => ann.heard("kept:a").length === 2);
    await until(async () => (await appointmentsOf(channelObject("kept:a"))).includes("deliver"));
  });

  test("of the alarm", async () => {
    await runInDurableObject(channelObject("kept:a"), (_, { storage }) => {
      const { setAlarm } = storage;
      let calls = 0;
      storage.setAlarm = (...args) => {
        calls += 1;
        if (calls === 1) throw new Error(FULL);
        return setAlarm(...args);
      };
    });
    await api("publish", { channel: "kept:a", data: 1 });
    await api("publish", { channel: "kept:a", data: 2 });
    await until(() =>
      runInDurableObject(
        channelObject("kept:a"),
        async (_, { storage }) => (await storage.getAlarm()) !== null,
      ),
    );
  });
});

test("[BD50] an alarm whose end could not be written down rings again in the same life", async () => {
  await api("publish", { channel: "kept:a", data: 1 });
  await failTimetableOnce(channelObject("kept:a"));
  vi.useFakeTimers({ now: Date.now() + 3_600_000, toFake: ["Date"] });
  // The test runs it once, as the runtime does for the last time.
  expect(await errorOf(() => runDurableObjectAlarm(channelObject("kept:a")))).toContain("SQLITE_FULL");
  const alarm = () => runInDurableObject(channelObject("kept:a"), (_, { storage }) => storage.getAlarm());
  await until(async () => (await alarm()) !== null);
});

test("[BD12] a registration whose row could not be deleted is there until it is", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  const ann = await Client.connect(key);
  await ann.ask({ subscribe: { channel: "room" } });
  await ann.ask({ unsubscribe: { channel: "room" } });
  await failOnce(channelObject("room"), /DELETE FROM listeners/);
  // The shard says that it has no listener, and the registration ends.
  vi.useFakeTimers({ now: Date.now() + 120_000, toFake: ["Date"] });
  await runDurableObjectAlarm(shardObject("auto-1"));
  await until(() =>
    runInDurableObject(
      shardObject("auto-1"),
      (_, { storage }) => storage.sql.exec("SELECT * FROM registered").toArray().length === 0,
    ),
  );
  const tables = await runInDurableObject(channelObject("room"), (_, { storage }) =>
    storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'listeners'")
      .toArray(),
  );
  expect(tables).toEqual([]);
});

test("[HK4] a publication whose event could not be stored is not stored either, and a repeated call delivers it", async () => {
  for (const name of ["kept:a", "room"]) {
    const told: unknown[] = [];
    await runInDurableObject(channelObject(name), (_, { storage }) => migrate(storage));
    const heard = await runInDurableObject(channelObject(name), (_, ctx) => {
      let calls = 0;
      const timetable = new Timetable<LogDuty>(ctx.storage);
      const config = configOf(env);
      const log = new ChannelLog({
        ctx,
        env,
        config,
        name,
        namespace: name === "room" ? config.defaultNamespace : config.namespaces.get("kept"),
        timetable,
        onPublished: (body, offset) => {
          calls += 1;
          if (calls === 2) throw new Error(FULL);
          told.push([body, offset]);
        },
      });
      const offsets: number[] = [];
      vi.spyOn(log, "tell").mockImplementation((...events: readonly ChannelEvent[]) => {
        for (const event of events) if (event.kind === "pub") offsets.push(event.offset);
      });
      const batch = ["1", "2"].map((id) => ({ id, body: `{"data":${id}}` }));
      expect(() => log.publishAll(batch)).toThrow("SQLITE_FULL");
      const results = log.publishAll(batch);
      expect(results.map(({ offset }) => offset)).toEqual([1, 2]);
      return offsets;
    });
    expect(heard).toEqual([1, 2]);
    expect(told.length).toBe(3);
  }
});
