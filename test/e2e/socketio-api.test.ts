import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Socket } from "socket.io-client";
import { eventually } from "../support/cluster.ts";
import { heard, startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";

let cluster: SocketCluster;
beforeAll(async () => {
  cluster = await startSocketCluster();
});
afterAll(() => cluster.stop());

/** A stock client that has joined its namespace. */
async function connect(options: Parameters<SocketCluster["client"]>[1] = {}, nsp = "/api"): Promise<Socket> {
  const client = cluster.client(nsp, options);
  await heard(client, "connect");
  return client;
}

/** Clients with keys of their own, in rooms; some of them are on one shard, and others are not. */
async function inRooms(rooms: readonly (readonly string[])[]): Promise<Socket[]> {
  const clients = await Promise.all(rooms.map((_, n) => connect({ query: { key: `key-${n}` } })));
  for (const [n, names] of rooms.entries())
    for (const name of names) await clients[n]?.emitWithAck("join", name);
  return clients;
}

const shardOf = (client: Socket | undefined): string => client?.id?.split("~")[0] ?? "";

/** Collects the first argument of each event. */
function collect(client: Socket, event = "said"): unknown[] {
  const all: unknown[] = [];
  client.on(event, (first: unknown) => all.push(first));
  return all;
}

describe("[SO31] flags of an emit", () => {
  test("[SO31] `local` reaches the sockets of the same shard, and no other", async () => {
    const clients = await inRooms(Array.from({ length: 16 }, () => ["local"]));
    const said = clients.map((client) => collect(client));
    const [speaker] = clients;
    await speaker?.emitWithAck("say here", "local");
    const neighbours = clients.filter((client) => shardOf(client) === shardOf(speaker));
    expect(neighbours.length).toBeGreaterThan(1);
    expect(neighbours.length).toBeLessThan(clients.length);
    // The answers to these come after anything that was sent before.
    for (const client of clients) await client.emitWithAck("echo", "end");
    const expected = clients.map((client) => {
      if (client === speaker) return ["to all of the shard"];
      return neighbours.includes(client) ? ["to all of the shard", "to others of the shard"] : [];
    });
    expect(said).toEqual(expected);
  });

  test("[SO31] code that runs in no shard has no local sockets, and is told so", async () => {
    expect(await cluster.server({ verb: "local", nsp: "/api" })).toMatch(/only handlers have local sockets/);
  });

  test("[SO31] a volatile event passes over a client that has much unread, and no other event does", async () => {
    const client = await connect();
    const said = collect(client);
    client.on("question", (_: string, ack: (answer: string) => void) => ack("answered"));
    expect(await client.emitWithAck("say volatile", 70_000)).toBe("answered");
    await eventually(() => said.length >= 3);
    expect(said).toEqual(["volatile, to one", "volatile, to a room", "not volatile"]);
  });

  test("[SO31] a socket tells of its connection and its namespace", async () => {
    const client = await connect();
    const facts = await client.emitWithAck("facts");
    expect(facts).toEqual({
      name: "/api",
      connected: true,
      disconnected: false,
      protocol: 4,
      transport: "websocket",
      sid: expect.any(String),
      time: expect.any(Number),
    });
    expect(facts.sid).toBe(client.io.engine.id);
    expect(Math.abs(facts.time)).toBeLessThan(1_000);
  });
});

describe("[SO12] handlers command sockets on all shards by the stock names", () => {
  test("[SO12] handlers find sockets with their rooms and handshakes", async () => {
    const clients = await inRooms([["find"], ["find"], ["find"], ["find"], []]);
    const found = (await clients[4]?.emitWithAck("find", "find")) as [string, string[], unknown][];
    expect(found.toSorted()).toEqual(
      clients
        .slice(0, 4)
        .map(({ id = "" }) => [id, [id, "find"], {}])
        .toSorted(),
    );
  });

  test("[SO12] handlers move and end sockets, and emit to one that they have found", async () => {
    const clients = await inRooms([["go"], ["go"], ["go"], []]);
    const said = clients.map((client) => collect(client));
    const ended = clients.slice(1, 3).map((client) => heard(client, "disconnect"));
    await clients[0]?.emitWithAck("command", "go");
    expect((await Promise.all(ended)).map(([reason]) => reason)).toEqual([
      "io server disconnect",
      "io server disconnect",
    ]);
    await clients[3]?.emitWithAck("echo", "end");
    expect(said.filter((all) => all.includes("x"))).toHaveLength(3);
    expect(said.flat().filter((one) => one === "y")).toEqual([]);
    expect(said.flat().filter((one) => one === "to the first")).toHaveLength(1);
    expect(clients.map(({ connected }) => connected)).toEqual([true, false, false, true]);
  });
});
