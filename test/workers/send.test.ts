import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { Shard } from "../../src/shard/shard.ts";
import {
  adopted,
  api,
  changeRing,
  channelObject,
  Client,
  nameOf,
  settled,
  startOver,
  until,
} from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

/** The objects that a call was made to. A call that comes late on a busy machine is repeated, to the same object. */
const objectsCalled = <Parameters extends unknown[]>(
  spy: { readonly mock: { readonly calls: Parameters[]; readonly contexts: unknown[] } },
  isMeant: (parameters: Parameters, object: unknown) => boolean,
): ReadonlySet<string> => {
  const { calls, contexts } = spy.mock;
  return new Set(contexts.filter((object, n) => isMeant(calls[n]!, object)).map(nameOf));
};

describe("[AP5] the number of calls of one message to a user", () => {
  test.each([4, 16, 64])(
    "over %i shards it is one call in ring mode, and a call to each shard by fan-out",
    async (count) => {
      if (count > 4) await changeRing({ kind: "add", count: count - 4 });
      await settled();
      const owned = vi.spyOn(Shard.prototype, "sendOwned");
      const carried = vi.spyOn(Shard.prototype, "carryOut");
      const relayed = vi.spyOn(Shard.prototype, "relay");
      /** The numbers of shards that were called with a message: in ring mode, and by fan-out. */
      const calledWith = (data: string) => [
        objectsCalled(owned, ([message]) => message.data.includes(data)).size,
        // A relay carries out its own part, and calls the other shards.
        new Set([
          ...objectsCalled(carried, ([order]) => JSON.stringify(order).includes(data)),
          ...objectsCalled(relayed, ([{ order }]) => JSON.stringify(order).includes(data)),
        ]).size,
      ];
      // The first call may show a router the newer ring.
      await api("send", { user: "ann", data: "first", mode: "ring" });
      const ring = (await api("send", { user: "ann", data: "by ring", mode: "ring" })).result;
      expect([ring.mode, ring.calls]).toEqual(["ring", 1]);
      expect(calledWith("by ring")).toEqual([1, 0]);
      const fanout = (await api("send", { user: "ann", data: "by fan-out", mode: "fanout" })).result;
      expect([fanout.mode, fanout.calls]).toEqual(["fanout", count + 1]);
      expect(calledWith("by fan-out")).toEqual([0, count]);
      expect(fanout.shards.length).toBe(count);
      expect(fanout.offline).toEqual(["ann"]);
    },
  );

  test.each([4, 16, 64])(
    "over %i shards it is one call to the user's own channel, and one to the shard",
    async (count) => {
      if (count > 4) await changeRing({ kind: "add", count: count - 4 });
      await adopted();
      const client = await Client.connect("ann");
      await client.ask({ subscribe: { channel: "kept:ann" } });
      const stored = vi.spyOn(Channel.prototype, "publish");
      const delivered = vi.spyOn(Shard.prototype, "deliver");
      await api("publish", { channel: "kept:ann", data: 1 });
      await until(() => client.heard("kept:ann").length === 1);
      expect(objectsCalled(stored, (_, channel) => nameOf(channel) === "kept:ann").size).toBe(1);
      expect(objectsCalled(delivered, ([{ channel }]) => channel === "kept:ann").size).toBe(1);
    },
  );

  test("in ring mode it is one call for each region", async () => {
    const change = { kind: "add", ids: ["weur-1"], region: "weur" } as const;
    expect(await changeRing(change)).toMatchObject({ kind: "done" });
    await settled();
    await api("send", { user: "ann", data: 0, mode: "ring" });
    const { result } = await api("send", { user: "ann", data: 1, mode: "ring" });
    expect(result.calls).toBe(2);
    expect(result.shards.map(({ region }: { region: string }) => region).toSorted()).toEqual([
      "auto",
      "weur",
    ]);
  });
});

test("[LG2, DL1] a shard that is behind when history is dropped gets correct positions, and goes on", async () => {
  const client = await Client.connect("a");
  await client.ask({ subscribe: { channel: "kept:dropped" } });
  await api("publish", { channel: "kept:dropped", data: 1 });
  await until(() => client.heard("kept:dropped").length === 1);
  const deaf = vi.spyOn(Shard.prototype, "deliver").mockImplementation(() => {
    throw new Error("unreachable");
  });
  await api("publish", { channel: "kept:dropped", data: 2 });
  await api("history_remove", { channel: "kept:dropped" });
  // The crash takes the deliveries that waited in the memory of the channel.
  await abortAllDurableObjects();
  deaf.mockRestore();
  const channel = () => channelObject("kept:dropped");
  await runDurableObjectAlarm(channel());
  vi.useFakeTimers({ now: Date.now() + 10_000, toFake: ["Date"] });
  await runDurableObjectAlarm(channel());
  vi.useRealTimers();
  // The alarm has no delivery left to make.
  const due = await runInDurableObject(channel(), (_, { storage }) => storage.kv.get("timetable"));
  expect(due).not.toHaveProperty("deliver");
  const back = await Client.connect("a");
  const reply = await back.ask({
    subscribe: { channel: "kept:dropped", recover: true, offset: 1, epoch: "" },
  });
  expect(reply["subscribe"]).toMatchObject({ offset: 2, was_recovering: true });
  expect(reply["subscribe"]).not.toHaveProperty("recovered");
  const { result } = await api("publish", { channel: "kept:dropped", data: 3 });
  expect(result.offset).toBe(3);
  await until(() => back.heard("kept:dropped").length === 1);
  expect(back.heard("kept:dropped")).toEqual([3]);
});

test("[DL10, AP3] patches stay correct after a version that is too old and after a publication that is not kept", async () => {
  const client = await Client.connect("a");
  const channel = "delta:v";
  await client.ask({ subscribe: { channel, delta: "fossil" } });
  const data = (n: number) => ({ common: "what they have in common ".repeat(20), n });
  const live = () => client.lines.flatMap(({ push }) => (push?.pub ? [push.pub as { delta?: true }] : []));
  for (const [version, order] of [
    [1, {}],
    [2, {}],
    [2, {}],
    [0, { skip_history: true }],
    [3, {}],
    [4, {}],
  ] as const)
    await api("publish", { channel, data: data(version), version, ...order });
  await until(() => live().length === 5);
  // The publication that is not kept is sent whole, and so is the next one.
  expect(live().map(({ delta }) => delta === true)).toEqual([false, true, false, false, true]);
  expect((await api("history", { channel })).result.offset).toBe(4);
});
