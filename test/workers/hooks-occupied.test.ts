import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ChannelEvent } from "../../src/hooks/hooks.ts";
import { Channel } from "../../src/channel/channel.ts";
import { Occupancy } from "../../src/channel/occupancy.ts";
import { EmptyChannels } from "../../src/shard/records/empty-channels.ts";
import { channelStub } from "../../src/platform/calls.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { changeRing, channelObject, Client, Gate, keysOf, shardObject, startOver, until } from "./client.ts";
import { forgetHooks, hooks } from "./hooked.ts";
import { connectOne, rowsOf } from "./told.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetHooks();
});

describe("[HK7] a channel is occupied and vacated in turn", () => {
  function listen() {
    const heard: string[] = [];
    const ids = new Set<string>();
    const hear = (what: string) => (event: ChannelEvent) => {
      ids.add(event.id);
      heard.push(`${event.channel} ${what}`);
    };
    hooks.onChannelOccupied = hear("occupied");
    hooks.onChannelVacated = hear("vacated");
    return { heard, ids };
  }
  const join = (client: Client, channel = "room") => client.ask({ subscribe: { channel } });

  test("it is occupied with its first listener and vacated with its last, on any shards", async () => {
    const { heard, ids } = listen();
    const [ann, bob] = [await connectOne("auto-1"), await connectOne("auto-2")];
    await join(ann);
    await until(() => heard.length === 1);
    await join(bob);
    await ann.ask({ unsubscribe: { channel: "room" } });
    // The wait ends when the first listener's shard has told the channel that the listener is gone.
    await until(async () => (await rowsOf("registered")) === 0);
    expect(heard).toEqual(["room occupied"]);
    bob.socket.close();
    await until(() => heard.length === 2);
    const eve = await connectOne("auto-3");
    await join(eve);
    await until(() => heard.length === 3);
    expect(heard).toEqual(["room occupied", "room vacated", "room occupied"]);
    expect(ids.size).toBe(3);
  });

  test("a move, and a publication while no listener is there, change nothing", async () => {
    const { heard } = listen();
    const [key] = await keysOf("auto-1", 1);
    const publisher = await connectOne("auto-2");
    await join(publisher, "other");
    const before = await Client.connect(key ?? "");
    await join(before);
    // The gate holds the alarm, so that the client returns within the grace on a slow machine too.
    const gate = new Gate();
    const alarm = Channel.prototype.alarm;
    vi.spyOn(Channel.prototype, "alarm").mockImplementation(async function (this: Channel) {
      await gate.pass();
      return alarm.call(this);
    });
    await changeRing({ kind: "drain", id: "auto-1" });
    await before.closed;
    // This publication ends the old shard's registration at once, before the client returns.
    hooks.onPublish = () => ({ allow: true });
    await publisher.ask({ publish: { channel: "room", data: 1 } });
    const after = await Client.connect(key ?? "");
    await join(after);
    gate.open();
    await until(async () => (await rowsOf("registered")) === 0);
    await runDurableObjectAlarm(channelObject("room"));
    expect(heard.filter((what) => what.startsWith("room"))).toEqual(["room occupied"]);
    after.socket.close();
    await until(() => heard.includes("room vacated"));
  });

  test("the death of every object vacates it", async () => {
    const { heard } = listen();
    const client = await connectOne("auto-1");
    await join(client);
    await until(() => heard.length === 1);
    await abortAllDurableObjects();
    await client.closed;
    await until(async () => {
      await runDurableObjectAlarm(shardObject("auto-1"));
      return heard.length === 2;
    });
    expect(heard).toEqual(["room occupied", "room vacated"]);
  });

  test("a sleep of every object does not vacate it", async () => {
    const { heard } = listen();
    const client = await connectOne("auto-1");
    await join(client);
    await until(() => heard.length === 1);
    await evictDurableObject(shardObject("auto-1"));
    await evictDurableObject(channelObject("room"));
    await runDurableObjectAlarm(shardObject("auto-1"));
    expect(await channelStub(env, "room").settle("auto/auto-1", CONTRACT)).toBe(true);
    expect(heard).toEqual(["room occupied"]);
    client.socket.close();
    await until(() => heard.length === 2);
  });
});

describe("[HK7] the grace begins anew with each listener that leaves", () => {
  test("a shard waits a whole grace after a listener that came and went within the grace", async () => {
    const settled: string[] = [];
    let listeners = 0;
    await runInDurableObject(channelObject("empty-channels-test"), async (_, { storage }) => {
      const emptyChannels = new EmptyChannels({
        storage,
        isWanted: () => true,
        graceMs: 1_000,
        listeners: () => listeners,
        hasListeners: () => listeners > 0,
        settle: async (channel) => (settled.push(channel), false),
        arm: () => undefined,
        appoint: () => undefined,
      });
      emptyChannels.wake({ sockets: 0 });
      const at = (now: number) => vi.spyOn(Date, "now").mockReturnValue(now);
      at(0);
      emptyChannels.look("room");
      [listeners] = [1];
      at(500);
      emptyChannels.look("room");
      [listeners] = [0];
      at(900);
      emptyChannels.look("room");
      expect(emptyChannels.run(1_000)).toBe(1_900);
      expect(settled).toEqual([]);
      emptyChannels.run(1_900);
      await until(() => settled.length === 1);
    });
  });

  test("a channel waits a whole grace after a last shard that came and went within the grace", async () => {
    const told: string[] = [];
    let shards = 1;
    await runInDurableObject(channelObject("occupancy-test"), async (_, ctx) => {
      const occupancy = new Occupancy({
        ctx,
        channel: "room",
        events: { wants: () => true, record: ({ type }) => void told.push(type) },
        timetable: { at: () => 1_000, arm: async () => undefined },
        graceMs: 1_000,
        shards: () => shards,
      });
      const at = (now: number) => vi.spyOn(Date, "now").mockReturnValue(now);
      at(0);
      occupancy.entered();
      [shards] = [0];
      occupancy.left();
      [shards] = [1];
      occupancy.entered();
      at(900);
      [shards] = [0];
      occupancy.left();
      // This is the appointment of the first leave.
      expect(occupancy.run(1_000)).toBe(1_900);
      expect(told).toEqual(["occupied"]);
      expect(occupancy.run(1_900)).toBeUndefined();
      expect(told).toEqual(["occupied", "vacated"]);
    });
  });
});
