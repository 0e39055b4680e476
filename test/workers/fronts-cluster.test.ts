import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { Coordinator } from "../../src/coordinator/coordinator.ts";
import { DISCONNECTS } from "../../src/centrifuge/codes.ts";
import { Shard } from "../../src/shard/shard.ts";
import { admin, both, bothOn, change, keyOn, publish } from "./both-fronts.ts";
import {
  adopted,
  api,
  coordinator,
  coordinatorObject,
  Gate,
  settled,
  shardObject,
  startOver,
  until,
} from "./client.ts";
import { LineShard } from "./fronts-worker.ts";
import { BROADCAST, forgetRing, LineClient, lineObject } from "./line-client.ts";
import { LINE_CLOSES } from "./line-front.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetRing();
});

describe("[FR2] membership, fan-out, status and counts cover both fronts", () => {
  test("a change of the ring is predicted from both fronts, reaches both, and is counted for both", async () => {
    const { line, stock } = await bothOn("auto-1");
    const { predicted, told } = await change({ kind: "drain", id: "auto-1" });
    expect(predicted).toMatchObject({ moving: 2, from: { "auto-1": 2 } });
    expect(Object.values(predicted.to).reduce((sum, count) => sum + count, 0)).toBe(2);
    expect(told).toEqual({ shards: 4, pending: [] });
    expect((await line.closed).code).toBe(LINE_CLOSES.moved.code);
    expect(await stock.closed).toBe(DISCONNECTS.moved.code);
    for (const id of ["auto-2", "auto-3", "auto-4"])
      for (const object of [shardObject(id), lineObject(id)])
        expect((await object.status(CONTRACT)).ringEpoch).toBeGreaterThanOrEqual(2);
    await until(async () => {
      const drained = (await coordinator().epochs(10, CONTRACT)).find(({ ringEpoch }) => ringEpoch === 2);
      return drained?.moved === 2 && drained.movedFrom["auto-1"] === 2;
    });
  });

  test("a shard whose second front could not be told is told later", async () => {
    const original = LineShard.prototype.adopt;
    let deaf = true;
    vi.spyOn(LineShard.prototype, "adopt").mockImplementation(async function (this: LineShard, ...news) {
      if (deaf) throw new Error("deaf");
      await original.apply(this, news);
    });
    const { told } = await change({ kind: "add", count: 1 });
    expect(told).toEqual({ shards: 0, pending: ["auto-1", "auto-2", "auto-3", "auto-4", "auto-5"] });
    expect((await shardObject("auto-3").status(CONTRACT)).ringEpoch).toBe(2);
    deaf = false;
    await until(async () => (await coordinator().cluster(CONTRACT)).untold.length === 0);
    expect((await lineObject("auto-3").status(CONTRACT)).ringEpoch).toBe(2);
  });

  test("the cluster's report counts the sessions of both fronts", async () => {
    const { line, stock } = await bothOn("auto-2");
    await LineClient.connect(await keyOn("auto-3"), "eve");
    await line.join("room");
    await stock.ask({ subscribe: { channel: "room" } });
    const { shards } = await admin("/cluster");
    const counts = shards.map(({ id, reachable, sessions }: any) => [id, reachable, sessions]);
    expect(counts).toEqual([
      ["auto-1", true, 0],
      ["auto-2", true, 2],
      ["auto-3", true, 1],
      ["auto-4", true, 0],
    ]);
    const { nodes } = (await api("info", {})).result;
    expect(nodes.map(({ num_clients, num_subs }: any) => [num_clients, num_subs])).toEqual([
      [0, 0],
      [2, 2],
      [1, 0],
      [0, 0],
    ]);
  });

  test.each(["fanout", "ring"])(
    "a message to a user reaches the clients of both fronts, by %s",
    async (mode) => {
      const { line, stock } = await both("ann");
      const other = await LineClient.connect("bob", "bob");
      const { result } = await api("send", { users: ["ann", "nobody"], data: { n: 1 }, mode });
      expect(result).toMatchObject({ mode, delivered: 2, offline: ["nobody"] });
      await until(() => line.messages().length === 1);
      await until(() => stock.lines.some(({ push }) => push !== undefined && "message" in push));
      expect([line.messages(), other.messages()]).toEqual([[{ n: 1 }], []]);
      expect(stock.lines.find(({ push }) => push !== undefined && "message" in push)?.push).toMatchObject({
        message: { data: { n: 1 } },
      });
    },
  );

  test("a disconnect closes the user's clients of both fronts, and no other client", async () => {
    const { line, stock } = await both("ann");
    const other = await LineClient.connect("bob", "bob");
    const order = { user: "ann", disconnect: { code: 4500, reason: "banned" } };
    expect(await api("disconnect", order)).toEqual({ result: {} });
    expect(await line.closed).toEqual({ code: 4500, reason: "banned" });
    expect(await stock.closed).toBe(4500);
    expect(other.isClosed).toBe(false);
  });

  test("a server's subscribe and unsubscribe reach the clients of both fronts, each in its own protocol", async () => {
    const { line, stock } = await both("ann");
    expect(await api("subscribe", { user: "ann", channel: "kept:room" })).toEqual({ result: {} });
    await line.next("joined", "kept:room");
    await publish("kept:room", 1);
    await until(() => [line, stock].every((client) => client.heard("kept:room").length === 1));
    expect(await api("unsubscribe", { user: "ann", channel: "kept:room" })).toEqual({ result: {} });
    expect(await line.next("left")).toEqual(["left", "kept:room", "server"]);
    await until(() => stock.lines.some(({ push }) => push !== undefined && "unsubscribe" in push));
    await publish("kept:room", 2);
    expect((await api("channels", {})).result.channels).toEqual({});
    expect([line.heard("kept:room"), stock.heard("kept:room")]).toEqual([[1], [1]]);
  });

  test("presence, the channels and a user's sessions list the clients of both fronts", async () => {
    const { line, stock } = await both("ann");
    await line.join("room");
    await stock.ask({ subscribe: { channel: "room" } });
    const { presence } = (await api("presence", { channel: "room" })).result;
    expect(Object.values(presence)).toMatchObject([{ user: "ann" }, { user: "ann" }]);
    expect((await api("presence_stats", { channel: "room" })).result).toEqual({
      num_clients: 2,
      num_users: 1,
    });
    const asked = (await stock.ask({ presence_stats: { channel: "room" } }))["presence_stats"];
    expect(asked).toEqual({ num_clients: 2, num_users: 1 });
    expect((await api("channels", {})).result.channels).toEqual({ room: { num_clients: 2 } });
    const { sessions } = await admin("/users/ann/sessions");
    expect(sessions.map(({ client }: any) => client).toSorted()).toEqual(Object.keys(presence).toSorted());
    expect(sessions.map(({ key, channels }: any) => [key, channels])).toEqual([
      ["ann", ["room"]],
      ["ann", ["room"]],
    ]);
  });

  test("a crash of a shard, for development, ends the sessions of both fronts, and their clients resume", async () => {
    const { key, line, stock } = await bothOn("auto-1");
    await line.join("kept:room");
    await publish("kept:room", 1);
    await until(() => line.heard("kept:room").length === 1);
    expect(await admin("/shards/auto-1/crash", "POST")).toEqual({ crashed: "auto-1" });
    expect([(await line.closed).code, await stock.closed]).toEqual([1006, 1006]);
    await publish("kept:room", 2);
    const back = await LineClient.connect(key, "ann");
    expect(await back.join("kept:room", line.position("kept:room"))).toMatchObject({ how: "recovered" });
    await publish("kept:room", 3);
    await until(() => back.heard("kept:room").includes(3));
    expect(back.heard("kept:room")).toEqual([2, 3]);
  });

  test("an order that goes down a tree reaches each object of each front once", async () => {
    await change({ kind: "add", count: 16 });
    await adopted();
    const ids = Array.from({ length: 20 }, (_, n) => `auto-${n + 1}`);
    const clients = await Promise.all(ids.map((id) => bothOn(id)));
    const all = clients.flatMap(({ line, stock }) => [line, stock]);
    const relays = vi.spyOn(Shard.prototype, "relay");
    for (const { line, stock } of clients) {
      await line.join("kept:wide");
      await stock.ask({ subscribe: { channel: "kept:wide" } });
    }
    await publish("kept:wide", 1);
    await until(() => all.every((client) => client.heard("kept:wide").length === 1));
    const { result } = await api("publish", { channel: BROADCAST, data: 1, report: true });
    expect(result.delivered).toBe(40);
    await until(() => all.every((client) => client.heard(BROADCAST).length === 1));
    const sent = await api("send", { users: clients.map(({ key }) => key), data: 1, mode: "fanout" });
    expect(sent.result).toMatchObject({ delivered: 40, offline: [] });
    expect(relays.mock.calls.length).toBeGreaterThanOrEqual(3 * 7);
    await publish("kept:wide", 2);
    await until(() => all.every((client) => client.heard("kept:wide").includes(2)));
    expect(new Set(all.map((client) => client.heard("kept:wide").join()))).toEqual(new Set(["1,2"]));
  });

  for (const [last, prototype, object] of [
    ["second", LineShard.prototype, () => lineObject("auto-1")],
    ["first", undefined, () => shardObject("auto-1")],
  ] as const)
    test(`a draining shard leaves only when both fronts are empty, the ${last} front last`, async () => {
      const { line, stock } = await bothOn("auto-1");
      // The last front moves its sessions only when the gate is open.
      const gate = new Gate();
      const slow =
        prototype ??
        (await runInDurableObject(shardObject("auto-1"), (shard) => Object.getPrototypeOf(shard) as Shard));
      const { alarm } = slow;
      vi.spyOn(slow, "alarm").mockImplementation(async function (this: Shard) {
        await gate.pass();
        await alarm.call(this);
      });
      const asked = vi.spyOn(Coordinator.prototype, "drained");
      await change({ kind: "drain", id: "auto-1" });
      await (last === "second" ? stock : line).closed;
      await until(() => asked.mock.results.length > 0);
      await asked.mock.results[0]?.value;
      const row = async () =>
        (await coordinator().cluster(CONTRACT)).shards.find(({ id }) => id === "auto-1");
      // A report of before the move may still be on its way.
      await until(async () => (await row())?.status?.sessions !== 2);
      expect(await row()).toMatchObject({ state: "draining", status: { sessions: 1 } });
      gate.open();
      await (last === "second" ? line : stock).closed;
      await until(async () => {
        await runDurableObjectAlarm(object());
        return (await row()) === undefined;
      });
      const { shards } = await coordinator().descriptor(CONTRACT);
      expect(shards.map(({ id }) => id)).toEqual(["auto-2", "auto-3", "auto-4"]);
      await settled();
    });

  test("the broadcast channel forgets both fronts of a shard that has left", async () => {
    const { line, stock } = await bothOn("auto-1");
    await change({ kind: "remove", id: "auto-1" });
    await Promise.all([line.closed, stock.closed]);
    const listeners = () =>
      runInDurableObject(coordinatorObject(), (_, { storage }) =>
        storage.sql
          .exec<{ name: string }>("SELECT name FROM listeners")
          .toArray()
          .map(({ name }) => name),
      );
    await until(async () => !(await listeners()).some((name) => name.endsWith("auto/auto-1")));
  });
});
