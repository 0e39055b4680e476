import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { configOf } from "../../src/platform/config.ts";
import { bothOn, change, keyOn, publish, range } from "./both-fronts.ts";
import { api, channelObject, coordinator, startOver, until } from "./client.ts";
import { LineShard } from "./fronts-worker.ts";
import { BROADCAST, forgetRing, LineClient, lineObject } from "./line-client.ts";
import { LINE_CLOSES } from "./line-front.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetRing();
});

describe("[FR1] a second front runs on the same core", () => {
  test("its clients receive the publications of both fronts' clients and of a back end, in order and live", async () => {
    const { line, stock } = await bothOn("auto-1");
    const elsewhere = await LineClient.connect(await keyOn("auto-2"), "bob");
    expect(await line.join("kept:room")).toMatchObject({ offset: 0, how: "new" });
    await elsewhere.join("kept:room");
    await stock.ask({ subscribe: { channel: "kept:room" } });
    for (const n of range(1, 10)) {
      if (n % 2 === 0) await publish("kept:room", n);
      else expect((await stock.ask({ publish: { channel: "kept:room", data: n } }))["publish"]).toEqual({});
    }
    const all = [line, elsewhere, stock];
    await until(() => all.every((client) => client.heard("kept:room").length === 10));
    for (const client of all) expect(client.heard("kept:room")).toEqual(range(1, 10));
    expect(line.events("kept:room").map(({ offset }) => offset)).toEqual(range(1, 10));
  });

  test("a channel without history has no position, and its listeners hear its publications", async () => {
    const { line, stock } = await bothOn("auto-1");
    expect(await line.join("room")).toEqual({ channel: "room", logEpoch: "-", offset: null, how: "new" });
    await stock.ask({ publish: { channel: "room", data: { from: "stock" } } });
    await until(() => line.heard("room").length === 1);
    expect(line.heard("room")).toEqual([{ from: "stock" }]);
  });

  test("a client that has lost its socket resumes with the missed publications, once and in order", async () => {
    const key = await keyOn("auto-1");
    const before = await LineClient.connect(key, "ann");
    await before.join("kept:room");
    await publish("kept:room", 1);
    await until(() => before.heard("kept:room").length === 1);
    const at = before.position("kept:room");
    before.socket.close(1000, "lost");
    await before.closed;
    await publish("kept:room", 2);
    await publish("kept:room", 3);
    const after = await LineClient.connect(key, "ann");
    expect(await after.join("kept:room", at)).toMatchObject({ ...at, how: "recovered" });
    await publish("kept:room", 4);
    await until(() => after.heard("kept:room").includes(4));
    expect(after.heard("kept:room")).toEqual([2, 3, 4]);
    // A client whose position cannot be proven begins anew.
    const stranger = await LineClient.connect(key, "eve");
    expect(await stranger.join("kept:room", { ...at, logEpoch: "another" })).toMatchObject({
      offset: 4,
      how: "new",
    });
    expect(stranger.heard("kept:room")).toEqual([]);
  });

  test("a sleep between any two steps of a session is invisible", async () => {
    const key = await keyOn("auto-1");
    const client = await LineClient.open(key);
    const sleep = () => evictDurableObject(lineObject("auto-1"), { webSockets: "hibernate" });
    await sleep();
    client.say("hello ann");
    const [, id] = await client.next("welcome");
    await sleep();
    await client.join("kept:room");
    for (const n of range(1, 3)) {
      await sleep();
      await publish("kept:room", n);
      await until(() => client.heard("kept:room").length === n);
    }
    await sleep();
    await client.join("room");
    await sleep();
    await evictDurableObject(channelObject("room"), { webSockets: "hibernate" });
    await publish("room", "x");
    await until(() => client.heard("room").length === 1);
    expect(client.heard("kept:room")).toEqual([1, 2, 3]);
    const sessions = await lineObject("auto-1").sessionsOf("ann", CONTRACT);
    expect(sessions).toMatchObject([{ client: id, user: "ann", key, channels: ["kept:room", "room"] }]);
    expect(client.isClosed).toBe(false);
  });

  test("the runtime absorbs a pong, and no object wakes for it", async () => {
    const client = await LineClient.connect(await keyOn("auto-1"), "ann");
    await evictDurableObject(lineObject("auto-1"), { webSockets: "hibernate" });
    const woken = vi.spyOn(LineShard.prototype, "webSocketMessage");
    client.say(".");
    await client.next(",");
    expect(woken).not.toHaveBeenCalled();
    // The core sends the ping of the front.
    const { pingIntervalMs } = configOf(env).cluster.times;
    vi.useFakeTimers({ now: Date.now() + pingIntervalMs, toFake: ["Date"] });
    await runDurableObjectAlarm(lineObject("auto-1"));
    vi.useRealTimers();
    await client.next(".");
  });

  test("a frame that is not a line of the protocol ends the session with the front's own code", async () => {
    const client = await LineClient.connect(await keyOn("auto-1"), "ann");
    client.say("{}");
    expect(await client.closed).toEqual(LINE_CLOSES.badRequest);
  });

  for (const kind of ["drain", "remove"] as const)
    test(`a ${kind} closes a session with the front's own code, and the client resumes in full on its new owner`, async () => {
      const key = await keyOn("auto-1");
      const before = await LineClient.connect(key, "ann");
      await before.join("kept:room");
      await publish("kept:room", 1);
      await until(() => before.heard("kept:room").length === 1);
      await change({ kind, id: "auto-1" });
      expect(await before.closed).toEqual({ code: LINE_CLOSES.moved.code, reason: "moved, epoch 2" });
      await publish("kept:room", 2);
      const after = await LineClient.connect(key, "ann");
      await after.join("kept:room", before.position("kept:room"));
      await publish("kept:room", 3);
      await until(() => after.heard("kept:room").includes(3));
      expect([...before.heard("kept:room"), ...after.heard("kept:room")]).toEqual([1, 2, 3]);
      const { sessions } = await coordinator().sessionsOf("ann", CONTRACT);
      expect(sessions).toHaveLength(1);
      expect(sessions[0]?.shard).not.toBe("auto-1");
    });

  test("the clients of both fronts hear the broadcast channel, and resume in it", async () => {
    const { key, line, stock } = await bothOn("auto-1");
    const { result } = await api("publish", { channel: BROADCAST, data: 1, report: true });
    expect(result).toMatchObject({ offset: 1, delivered: 2 });
    await until(() => [line, stock].every((client) => client.heard(BROADCAST).length === 1));
    expect([line.heard(BROADCAST), stock.heard(BROADCAST)]).toEqual([[1], [1]]);
    const at = line.position(BROADCAST);
    line.socket.close(1000, "lost");
    await line.closed;
    await publish(BROADCAST, 2);
    const back = await LineClient.connect(key, key, at);
    expect(back.joined(BROADCAST)).toMatchObject({ ...at, how: "recovered" });
    await publish(BROADCAST, 3);
    await until(() => back.heard(BROADCAST).includes(3) && stock.heard(BROADCAST).includes(3));
    expect([back.heard(BROADCAST), stock.heard(BROADCAST)]).toEqual([
      [2, 3],
      [1, 2, 3],
    ]);
  });
});
