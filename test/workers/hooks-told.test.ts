import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { DisconnectEvent, ShardChangeEvent } from "../../src/hooks/hooks.ts";
import { changeRing, Client, keysOf, shardObject, startOver, until } from "./client.ts";
import { forgetHooks, hooks } from "./hooked.ts";
import { connectOn, connectOne, idOf, rowsOf } from "./told.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetHooks();
});

describe("[HK4] the end of a session is told, for every cause", () => {
  /** Records every end. `ends`: the codes and reasons that the hook heard for each client. */
  function listen() {
    const heard: DisconnectEvent[] = [];
    hooks.onDisconnect = (event) => void heard.push(event);
    const ends = (clients: readonly Client[]) =>
      clients.map((client) =>
        heard
          .filter(({ session }) => session.client === idOf(client))
          .map(({ code, reason }) => `${code} ${reason}`),
      );
    return { heard, ends };
  }

  test("an end by the client, the server or a move is told, but only for sessions that were let in", async () => {
    const { heard, ends } = listen();
    const [leaver, kicked, moved] = (await connectOn("auto-1", 3)) as [Client, Client, Client];
    const stranger = await Client.open((await keysOf("auto-1", 1))[0] ?? "");
    stranger.socket.close();
    leaver.socket.close(1000, "bye");
    kicked.socket.send("{broken");
    await until(() => heard.length === 2);
    await changeRing({ kind: "drain", id: "auto-1" });
    await until(() => heard.length === 3);
    expect(ends([leaver, kicked, moved])).toEqual([
      ["1000 bye"],
      ["3501 bad request"],
      ["4001 moved, epoch 2"],
    ]);
    expect(heard[0]).toMatchObject({ shard: { id: "auto-1", region: "auto" }, session: { user: "" } });
    expect(new Set(heard.map(({ id }) => id)).size).toBe(3);
    await until(async () => (await rowsOf("hook_events")) === 0 && (await rowsOf("roll")) === 0);
  });

  const losses = {
    "the death of its shard": () => abortAllDurableObjects(),
    "an eviction that closes the sockets": () =>
      evictDurableObject(shardObject("auto-1"), { webSockets: "close" }),
  };
  for (const [cause, loseSockets] of Object.entries(losses)) {
    test(`${cause} ends a session as lost`, async () => {
      const { heard, ends } = listen();
      const clients = await connectOn("auto-1", 40);
      expect(await rowsOf("roll")).toBe(40);
      await loseSockets();
      await Promise.all(clients.map(({ closed }) => closed));
      // The shard gets no call, so its own alarm finds the lost sessions.
      await runDurableObjectAlarm(shardObject("auto-1"));
      await until(() => heard.length === 40);
      expect(ends(clients)).toEqual(clients.map(() => ["1006 lost"]));
      await until(async () => (await rowsOf("hook_events")) === 0 && (await rowsOf("roll")) === 0);
      // The ends are told once: the next end that the hook hears is that of a later session.
      await evictDurableObject(shardObject("auto-1"));
      await runDurableObjectAlarm(shardObject("auto-1"));
      const later = await connectOne("auto-1");
      later.socket.close(1000, "later");
      await until(() => heard.length > 40);
      expect(ends([...clients, later])).toEqual([...clients.map(() => ["1006 lost"]), ["1000 later"]]);
      expect(heard).toHaveLength(41);
    });
  }

  test("an end after a sleep is told with its own code, and no other session counts as lost", async () => {
    const { heard, ends } = listen();
    const clients = (await connectOn("auto-1", 3)) as [Client, Client, Client];
    await evictDurableObject(shardObject("auto-1"));
    clients[1].socket.close(1000, "slept");
    await until(() => heard.length === 1);
    expect(ends(clients)).toEqual([[], ["1000 slept"], []]);
    expect(await rowsOf("roll")).toBe(2);
  });

  test("[BD21] each of several sessions that end while their shard sleeps is told with its own code", async () => {
    const { ends } = listen();
    const clients = await connectOn("auto-1", 5);
    await evictDurableObject(shardObject("auto-1"));
    const closing = clients.slice(1);
    for (const [n, { socket }] of closing.entries()) socket.close(3000 + n, "slept");
    await until(() => ends(closing).every((told) => told.length > 0));
    expect(ends(clients)).toEqual([[], ["3000 slept"], ["3001 slept"], ["3002 slept"], ["3003 slept"]]);
    await until(async () => (await rowsOf("roll")) === 1);
  });

  test("an event whose hook threw is told again under the same id, also after a crash, and delays no other event", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const told: DisconnectEvent[] = [];
    let broken = true;
    hooks.onDisconnect = (event) => {
      told.push(event);
      if (broken && event.reason === "poison") throw new Error("boom");
    };
    const [poison, ...others] = (await connectOn("auto-1", 4)) as [Client, ...Client[]];
    poison.socket.close(1000, "poison");
    await until(() => told.length >= 1);
    for (const other of others) other.socket.close(1000, "fine");
    await until(() => told.filter(({ reason }) => reason === "fine").length === 3);
    await abortAllDurableObjects();
    broken = false;
    const before = told.length;
    await until(async () => {
      await runDurableObjectAlarm(shardObject("auto-1"));
      return told.length > before;
    });
    const ids = told.filter(({ reason }) => reason === "poison").map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids).size).toBe(1);
    await until(async () => (await rowsOf("hook_events")) === 0);
  });
});

test("[HK8] every new epoch is told, with its cause and its shards", async () => {
  const heard: ShardChangeEvent[] = [];
  hooks.onShardChange = (event) => void heard.push(event);
  await changeRing({ kind: "add", count: 1 }, { dryRun: true });
  await changeRing({ kind: "add", count: 1 });
  await changeRing({ kind: "remove", id: "auto-5" }, { by: "ops" });
  await until(() => heard.length === 2);
  expect(heard).toMatchObject([
    { ringEpoch: 2, cause: "add auto-5", by: "test" },
    { ringEpoch: 3, by: "ops" },
  ]);
  expect(heard.map(({ shards }) => shards.length)).toEqual([5, 4]);
});
