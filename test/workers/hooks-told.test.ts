import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ChannelEvent, DisconnectEvent, ShardChangeEvent } from "../../src/hooks/hooks.ts";
import { Channel } from "../../src/channel/channel.ts";
import { Occupancy } from "../../src/channel/occupancy.ts";
import { EmptyChannels } from "../../src/shard/records/empty-channels.ts";
import { SessionRows, type SessionRowsParts } from "../../src/shard/records/session-rows.ts";
import type { Event } from "../../src/events/event.ts";
import { EventQueue, type Batch, type QueueBounds } from "../../src/events/event-queue.ts";
import { channelStub } from "../../src/platform/calls.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import {
  changeRing,
  channelObject,
  Client,
  fetchWorker,
  Gate,
  keysOf,
  shardObject,
  startOver,
  until,
} from "./client.ts";
import { forgetHooks, hooks } from "./hooked.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetHooks();
});

const on = async (id: string, count = 1) => {
  const keys = await keysOf(id, count);
  return Promise.all(keys.map((key) => Client.connect(key)));
};
const one = async (id: string): Promise<Client> => (await on(id))[0] as Client;
function idOf(client: Client): string {
  const reply = client.lines.find((line) => line["connect"] !== undefined);
  return (reply?.["connect"] as { client: string } | undefined)?.client ?? "";
}
const rows = (table: string) =>
  runInDurableObject(
    shardObject("auto-1"),
    (_, { storage }) => storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
  );

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
    const [leaver, kicked, moved] = (await on("auto-1", 3)) as [Client, Client, Client];
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
    await until(async () => (await rows("hook_events")) === 0 && (await rows("roll")) === 0);
  });

  const losses = {
    "the death of its shard": () => abortAllDurableObjects(),
    "an eviction that closes the sockets": () =>
      evictDurableObject(shardObject("auto-1"), { webSockets: "close" }),
  };
  for (const [cause, loseSockets] of Object.entries(losses)) {
    test(`${cause} ends a session as lost`, async () => {
      const { heard, ends } = listen();
      const clients = await on("auto-1", 40);
      expect(await rows("roll")).toBe(40);
      await loseSockets();
      await Promise.all(clients.map(({ closed }) => closed));
      // The shard gets no call, so its own alarm finds the lost sessions.
      await runDurableObjectAlarm(shardObject("auto-1"));
      await until(() => heard.length === 40);
      expect(ends(clients)).toEqual(clients.map(() => ["1006 lost"]));
      await until(async () => (await rows("hook_events")) === 0 && (await rows("roll")) === 0);
      // The ends are told once: the next end that the hook hears is that of a later session.
      await evictDurableObject(shardObject("auto-1"));
      await runDurableObjectAlarm(shardObject("auto-1"));
      const later = await one("auto-1");
      later.socket.close(1000, "later");
      await until(() => heard.length > 40);
      expect(ends([...clients, later])).toEqual([...clients.map(() => ["1006 lost"]), ["1000 later"]]);
      expect(heard).toHaveLength(41);
    });
  }

  test("an end after a sleep is told with its own code, and no other session counts as lost", async () => {
    const { heard, ends } = listen();
    const clients = (await on("auto-1", 3)) as [Client, Client, Client];
    await evictDurableObject(shardObject("auto-1"));
    clients[1].socket.close(1000, "slept");
    await until(() => heard.length === 1);
    expect(ends(clients)).toEqual([[], ["1000 slept"], []]);
    expect(await rows("roll")).toBe(2);
  });

  test("[BD21] each of several sessions that end while their shard sleeps is told with its own code", async () => {
    const { ends } = listen();
    const clients = await on("auto-1", 5);
    await evictDurableObject(shardObject("auto-1"));
    const closing = clients.slice(1);
    for (const [n, { socket }] of closing.entries()) socket.close(3000 + n, "slept");
    await until(() => ends(closing).every((told) => told.length > 0));
    expect(ends(clients)).toEqual([[], ["3000 slept"], ["3001 slept"], ["3002 slept"], ["3003 slept"]]);
    await until(async () => (await rows("roll")) === 1);
  });

  test("an event whose hook threw is told again under the same id, also after a crash, and delays no other event", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const told: DisconnectEvent[] = [];
    let broken = true;
    hooks.onDisconnect = (event) => {
      told.push(event);
      if (broken && event.reason === "poison") throw new Error("boom");
    };
    const [poison, ...others] = (await on("auto-1", 4)) as [Client, ...Client[]];
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
    await until(async () => (await rows("hook_events")) === 0);
  });
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
    const [ann, bob] = [await one("auto-1"), await one("auto-2")];
    await join(ann);
    await until(() => heard.length === 1);
    await join(bob);
    await ann.ask({ unsubscribe: { channel: "room" } });
    // The wait ends when the first listener's shard has told the channel that the listener is gone.
    await until(async () => (await rows("registered")) === 0);
    expect(heard).toEqual(["room occupied"]);
    bob.socket.close();
    await until(() => heard.length === 2);
    const eve = await one("auto-3");
    await join(eve);
    await until(() => heard.length === 3);
    expect(heard).toEqual(["room occupied", "room vacated", "room occupied"]);
    expect(ids.size).toBe(3);
  });

  test("a move, and a publication while no listener is there, change nothing", async () => {
    const { heard } = listen();
    const [key] = await keysOf("auto-1", 1);
    const publisher = await one("auto-2");
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
    await until(async () => (await rows("registered")) === 0);
    await runDurableObjectAlarm(channelObject("room"));
    expect(heard.filter((what) => what.startsWith("room"))).toEqual(["room occupied"]);
    after.socket.close();
    await until(() => heard.includes("room vacated"));
  });

  test("the death of every object vacates it", async () => {
    const { heard } = listen();
    const client = await one("auto-1");
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
    const client = await one("auto-1");
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

describe("[BD66] what a crash has left is settled a part at a time", () => {
  test("lost sessions come a page of rows at a time, and wait while the queue of events is half full", async () => {
    const ended = new Set<string>();
    let room = 0;
    await runInDurableObject(channelObject("session-rows-test"), (_, { storage }) => {
      const events: SessionRowsParts["events"] = {
        wants: (type) => type === "disconnected",
        get hasRoom() {
          return room > 0;
        },
        record: (event) => {
          room -= 1;
          if (event.type === "disconnected") ended.add(event.session.client);
        },
      };
      const armed: number[] = [];
      const open = () =>
        new SessionRows({
          storage,
          events,
          shard: { id: "auto-1", region: "auto" },
          present: () => new Set(["client-0007", "client-0599"]),
          arm: (at) => void armed.push(at),
        });
      const rows = open();
      rows.wake(0);
      expect(armed).toEqual([]);
      const session = (n: number) => JSON.stringify({ client: `client-${String(n).padStart(4, "0")}` });
      for (let n = 0; n < 600; n++)
        storage.sql.exec("INSERT INTO roll VALUES (json_extract(?1, '$.client'), ?1)", session(n));

      const later = open();
      later.wake(0);
      expect(armed).toHaveLength(1);
      // Without room the rows stay, and the duty comes again later.
      expect(later.settle(1_000)).toBeGreaterThan(1_000);
      expect(ended.size).toBe(0);
      room = 1_000;
      const pages: number[] = [];
      for (let due: number | undefined = 1_000; due !== undefined; due = later.settle(due))
        pages.push(ended.size);
      expect(pages.length).toBeGreaterThan(2);
      const steps = [...pages, ended.size].slice(1).map((total, n) => total - (pages[n] ?? 0));
      expect(Math.max(...steps)).toBeLessThanOrEqual(250);
      expect(ended.size).toBe(598);
      const left = storage.sql.exec<{ client: string }>("SELECT client FROM roll ORDER BY client").toArray();
      expect(left.map(({ client }) => client)).toEqual(["client-0007", "client-0599"]);
    });
  });

  test("a number of channels is asked at a time, and those that do not answer stop none of the others", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const settled: string[] = [];
    let asked = 0;
    let most = 0;
    const broken = new Set(Array.from({ length: 40 }, (_, n) => `room-${n}`));
    await runInDurableObject(channelObject("empty-channels-many"), async (_, { storage }) => {
      let due = true;
      const emptyChannels = new EmptyChannels({
        storage,
        isWanted: () => true,
        graceMs: 0,
        listeners: () => 0,
        hasListeners: () => false,
        settle: async (channel) => {
          asked += 1;
          most = Math.max(most, asked);
          await scheduler.wait(1);
          asked -= 1;
          if (broken.has(channel)) throw Object.assign(new Error("too busy"), { overloaded: true });
          settled.push(channel);
          return false;
        },
        arm: () => {
          due = true;
        },
        appoint: () => undefined,
      });
      emptyChannels.wake({ sockets: 0 });
      for (let n = 0; n < 200; n++) emptyChannels.look(`room-${n}`);
      await until(() => {
        if (due) {
          due = false;
          emptyChannels.run(Date.now());
        }
        return settled.length === 160;
      });
      expect(new Set(settled).size).toBe(160);
      expect(most).toBe(32);
    });
  });
});

const RETRY = { retryFirstMs: 1_000, retryLastMs: 8_000, keepMs: 86_400_000 };
const ROOMY = { queuedEvents: 1_000, queuedEventBytes: 8_388_608 };

describe("[BD60] the events that wait for a receiver are bounded", () => {
  const occupied = (id: string, channel = "room"): Event => ({ id, at: 0, type: "occupied", channel });
  const withQueue = (bounds: QueueBounds, use: (queue: EventQueue, reopen: () => EventQueue) => void) =>
    runInDurableObject(channelObject("queue-test"), (_, { storage }) => {
      const settings = { ...RETRY, ...bounds, batchEvents: 100 };
      const open = () => new EventQueue(storage, "webhook_events", settings);
      use(open(), open);
    });

  test("a full queue drops new events, counts them, and has room again for what its receiver takes", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    await withQueue({ ...ROOMY, queuedEvents: 3 }, (queue, reopen) => {
      const added = ["a", "b", "c", "d", "e"].map((id) => queue.add(occupied(id), 0));
      expect(added).toEqual([true, true, true, false, false]);
      expect(queue.dropped).toBe(2);
      expect(logged).toHaveBeenCalled();
      // The count of a life that begins with a full queue comes from the rows.
      const later = reopen();
      expect(later.add(occupied("f"), 0)).toBe(false);
      const batch = later.takeOldest(0);
      expect(batch?.events.map(({ id }) => id)).toEqual(["a", "b", "c"]);
      later.done(batch as Batch);
      expect(later.size).toBe(0);
      expect(later.add(occupied("g"), 0)).toBe(true);
    });
  });

  test("an operator sees how many events each shard has dropped", async () => {
    await one("auto-1");
    vi.spyOn(EventQueue.prototype, "dropped", "get").mockReturnValue(3);
    const headers = { authorization: `Bearer ${env.API_KEY ?? ""}` };
    const response = await fetchWorker(new Request("https://ringcast.test/admin/api/cluster", { headers }));
    const { shards } = await response.json<{ shards: { id: string; droppedEvents: number | null }[] }>();
    expect(shards.find(({ id }) => id === "auto-1")?.droppedEvents).toBe(3);
  });

  test("bytes count beside events, and no call takes more than a part of them into memory", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const half = "ü".repeat(250_000);
    await withQueue({ ...ROOMY, queuedEventBytes: 2_100_000 }, (queue) => {
      const added = ["a", "b", "c", "d", "e"].map((id) => queue.add(occupied(id, half), 0));
      expect(added).toEqual([true, true, true, true, false]);
      const sizes = [];
      for (let batch = queue.takeOldest(0); batch !== undefined; batch = queue.takeOldest(0)) {
        sizes.push(batch.bytes);
        queue.done(batch);
      }
      expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(2_000_000);
      expect(Math.max(...sizes)).toBeLessThan(2_000_000);
      expect(queue.size).toBe(0);
    });
  });

  test("an event that no row can hold is dropped, and what has caused it goes on", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    await withQueue({ ...ROOMY }, (queue) => {
      expect(queue.add(occupied("a", "x".repeat(2_200_000)), 0)).toBe(false);
      expect(queue.add(occupied("b"), 0)).toBe(true);
    });
  });

  test("a page of events that failed is not read again in the same run", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    await withQueue({ ...ROOMY }, (queue) => {
      for (const id of ["a", "b", "c"]) queue.add(occupied(id), 0);
      const first = queue.takeDue(0, { after: 0, most: 2 });
      expect(first.map(({ events }) => events[0]?.id)).toEqual(["a", "b"]);
      const second = queue.takeDue(0, { after: first.at(-1)?.rows[0] ?? 0, most: 2 });
      expect(second.map(({ events }) => events[0]?.id)).toEqual(["c"]);
    });
  });
});

test("[HK6] a waiting batch keeps its events, is sent at growing intervals, and is dropped after a day", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
  await channelStub(env, "queue-test").view(0, CONTRACT);
  await runInDurableObject(channelObject("queue-test"), (_, { storage }) => {
    const settings = { ...RETRY, ...ROOMY, batchEvents: 2 };
    const queue = new EventQueue(storage, "webhook_events", settings);
    expect(queue.exists).toBe(false);
    for (const id of ["a", "b", "c"]) queue.add({ id, at: 0, type: "occupied", channel: "room" }, 0);
    let now = 0;
    let id: string | undefined;
    const pauses: number[] = [];
    for (;;) {
      const batch = queue.takeOldest(now);
      expect(batch?.events.map(({ id }) => id)).toEqual(["a", "b"]);
      id ??= batch?.id;
      expect(batch?.id).toBe(id);
      queue.failed(batch as Batch, now);
      if (logged.mock.calls.length > 0) break;
      // Event "c" is due, and does not overtake the batch.
      expect(queue.takeOldest(now)).toBeUndefined();
      // The queue has no work until then.
      const due = queue.oldestDue() ?? 0;
      expect(queue.nextDue()).toBe(0);
      pauses.push(due - now);
      now = due;
    }
    expect(now).toBeGreaterThanOrEqual(86_400_000);
    for (const [n, most] of [1_000, 2_000, 4_000, 8_000, 8_000].entries()) {
      expect(pauses[n]).toBeLessThanOrEqual(most);
      expect(pauses[n]).toBeGreaterThanOrEqual(most * 0.75);
    }
    // A reopened queue, as after a crash, puts the next events into another batch.
    const batch = new EventQueue(storage, "webhook_events", settings).takeOldest(now);
    expect(batch?.events.map(({ id }) => id)).toEqual(["c"]);
    expect(batch?.id).not.toBe(id);
    queue.done(batch as Batch);
    expect(queue.oldestDue()).toBeUndefined();
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
