import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  changeRing,
  channelObject,
  coordinatorObject,
  errorOf,
  shardObject,
  startOver,
  until,
} from "./client.ts";
import { forgetHooks, hooks } from "./hooked.ts";
import { connectOne, rowsOf } from "./told.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetHooks();
});

/** The next event that an object would store is refused by the platform. */
const refuseEvent = (stub: DurableObjectStub): Promise<void> =>
  runInDurableObject(stub, (_, { storage: { sql } }) => {
    const exec = sql.exec.bind(sql);
    let hasFailed = false;
    const refuse = (query: string, ...values: unknown[]): unknown => {
      if (!hasFailed && query.startsWith("INSERT INTO hook_events")) {
        hasFailed = true;
        throw new Error("database or disk is full: SQLITE_FULL");
      }
      return exec(query, ...values);
    };
    Object.defineProperty(sql, "exec", { configurable: true, value: refuse });
  });

describe("an event that could not be stored is told all the same", () => {
  const listen = () => {
    const heard: string[] = [];
    hooks.onChannelOccupied = () => void heard.push("occupied");
    hooks.onChannelVacated = () => void heard.push("vacated");
    hooks.onDisconnect = ({ code }) => void heard.push(`disconnected ${code}`);
    hooks.onShardChange = () => void heard.push("shards");
    return heard;
  };

  test("[HK7] of a channel that is occupied", async () => {
    const heard = listen();
    const ann = await connectOne("auto-1");
    await refuseEvent(channelObject("room"));
    const reply = await ann.ask({ subscribe: { channel: "room" } });
    expect(reply.error).toBe(undefined);
    await until(() => heard.includes("occupied"));
  });

  test("[HK7] of a channel that is vacated", async () => {
    const heard = listen();
    const ann = await connectOne("auto-1");
    await ann.ask({ subscribe: { channel: "room" } });
    await until(() => heard.includes("occupied"));
    await refuseEvent(channelObject("room"));
    await ann.ask({ unsubscribe: { channel: "room" } });
    await until(() => heard.includes("vacated"));
    expect(heard).toEqual(["occupied", "vacated"]);
  });

  test("[HK4] of a session that ends", async () => {
    const heard = listen();
    const ann = await connectOne("auto-1");
    await refuseEvent(shardObject("auto-1"));
    ann.socket.close(1000, "bye");
    await until(() => heard.length === 1);
    expect(heard).toEqual(["disconnected 1006"]);
    await until(async () => (await rowsOf("roll")) === 0);
  });

  test("[HK8] of an epoch: the change is none", async () => {
    const heard = listen();
    await connectOne("auto-1");
    await refuseEvent(coordinatorObject());
    expect(await errorOf(() => changeRing({ kind: "add", count: 1 }))).toContain("SQLITE_FULL");
    const answer = await changeRing({ kind: "add", count: 1 });
    expect(answer).toMatchObject({ kind: "done", result: { ringEpoch: 2 } });
    await until(() => heard.includes("shards"));
  });
});
