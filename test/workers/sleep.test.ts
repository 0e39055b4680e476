import { abortAllDurableObjects, evictAllDurableObjects, evictDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { Positions } from "../../src/shard/subscriptions/positions.ts";
import { api, channelObject, Client, coordinator, keysOf, shardObject, startOver, until } from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

const numClients = async (client: Client, channel: string) =>
  ((await client.ask({ presence_stats: { channel } }))["presence_stats"] as { num_clients: number })
    .num_clients;

/** An object that has had no call cannot be put to sleep. */
function notRunning(error: unknown): void {
  if (!String(error).includes("not currently running")) throw error;
}

describe("[SE5] a sleep is invisible", () => {
  /** The life of two clients, step by step. The test puts a sleep before each step. */
  const steps: ((clients: { ann: Client; bob: Client }) => Promise<void>)[] = [
    async ({ ann }) => expect((await ann.ask({ connect: {} }))["connect"]).toBeDefined(),
    async ({ bob }) => expect((await bob.ask({ connect: {} }))["connect"]).toBeDefined(),
    async ({ ann }) => expect((await ann.ask({ subscribe: { channel: "room" } }))["subscribe"]).toEqual({}),
    async ({ bob }) => expect((await bob.ask({ subscribe: { channel: "room" } }))["subscribe"]).toEqual({}),
    async ({ ann }) =>
      expect((await ann.ask({ publish: { channel: "room", data: 1 } }))["publish"]).toEqual({}),
    async ({ ann, bob }) => until(() => ann.heard("room").length === 1 && bob.heard("room").length === 1),
    async ({ bob }) =>
      expect((await bob.ask({ publish: { channel: "room", data: 2 } }))["publish"]).toEqual({}),
    async ({ ann, bob }) => until(() => ann.heard("room").length === 2 && bob.heard("room").length === 2),
    async ({ ann }) => expect(await numClients(ann, "room")).toBe(2),
    async ({ bob }) => expect((await bob.ask({ subscribe: { channel: "room" } })).error?.code).toBe(105),
    async ({ ann }) =>
      expect((await ann.ask({ unsubscribe: { channel: "room" } }))["unsubscribe"]).toEqual({}),
    async ({ bob }) => expect(await numClients(bob, "room")).toBe(1),
    async ({ bob }) =>
      expect((await bob.ask({ publish: { channel: "room", data: 3 } }))["publish"]).toEqual({}),
    async ({ bob }) => until(() => bob.heard("room").length === 3),
    async ({ ann }) => expect((await ann.ask({ rpc: { data: 1 } })).error?.code).toBe(108),
  ];

  const sleeps = {
    "every object": () => evictAllDurableObjects({ webSockets: "hibernate" }),
    "one client's shard": () => evictDurableObject(shardObject("auto-1")).catch(notRunning),
    "the channel": () => evictDurableObject(channelObject("room")).catch(notRunning),
  };
  for (const [sleeper, sleep] of Object.entries(sleeps)) {
    test(`${sleeper} may sleep between any two steps of a session`, async () => {
      const [[annKey], [bobKey]] = [await keysOf("auto-1", 1), await keysOf("auto-2", 1)];
      const clients = { ann: await Client.open(annKey ?? ""), bob: await Client.open(bobKey ?? "") };
      for (const step of steps) {
        await sleep();
        await step(clients);
      }
      expect(clients.ann.heard("room")).toEqual([1, 2]);
      expect(clients.bob.heard("room")).toEqual([1, 2, 3]);
    });
  }

  test("the coordinator finds the client of a user on a shard that slept", async () => {
    const client = await Client.connect("somebody");
    await client.ask({ subscribe: { channel: "room" } });
    await evictAllDurableObjects({ webSockets: "hibernate" });
    const { sessions } = await coordinator().sessionsOf("", CONTRACT);
    expect(sessions.map(({ key, channels }) => [key, [...channels]])).toEqual([["somebody", ["room"]]]);
  });
});

test("[DL1] a shard that fails to wake is deaf for nobody: its clients come back and resume", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const [key = ""] = await keysOf("auto-1", 1);
  const client = await Client.connect(key);
  await client.ask({ subscribe: { channel: "kept:room" } });
  await evictDurableObject(shardObject("auto-1"), { webSockets: "hibernate" });
  vi.spyOn(Positions.prototype, "wake").mockImplementationOnce(() => {
    throw new Error("the storage does not answer");
  });
  expect((await api("publish", { channel: "kept:room", data: 1 })).error).toBeUndefined();
  expect(await client.closed).toBe(1006);
});

describe("[MV5] a client that loses its connection comes back", () => {
  const losses = {
    "an eviction that closes the sockets": () => evictAllDurableObjects({ webSockets: "close" }),
    "the death of every object": () => abortAllDurableObjects(),
  };
  for (const [cause, loseSockets] of Object.entries(losses)) {
    test(`after ${cause} every client subscribes again`, async () => {
      const keys = Array.from({ length: 12 }, (_, n) => `guest-${n}`);
      const before = await Promise.all(keys.map((key) => Client.connect(key)));
      for (const client of before) await client.ask({ subscribe: { channel: "room" } });
      await loseSockets();
      expect(await Promise.all(before.map(({ closed }) => closed))).toEqual(keys.map(() => 1006));

      const after = await Promise.all(keys.map((key) => Client.connect(key)));
      for (const client of after) {
        expect((await client.ask({ subscribe: { channel: "room" } }))["subscribe"]).toEqual({});
      }
      expect(await numClients(after[0] as Client, "room")).toBe(12);
      await after[0]?.ask({ publish: { channel: "room", data: "back" } });
      await until(() => after.every((client) => client.heard("room").length === 1));
    });
  }
});
