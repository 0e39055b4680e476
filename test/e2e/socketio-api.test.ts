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

test("[SO6] an event with more binary parts than a stock client takes is refused to the handler", async () => {
  const client = await connect();
  const said = heard(client, "said");
  expect(await client.emitWithAck("send parts", 11)).toBe("an event has at most 10 binary parts, not 11");
  expect(await client.emitWithAck("send parts", 10)).toBe("sent");
  expect(await said).toHaveLength(10);
});

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

describe("[SO30] namespaces whose names are not known before", () => {
  test("[SO30] a pattern makes namespaces apart from each other, with middlewares and refusals", async () => {
    const [ann, bob, eve] = await Promise.all([
      connect({}, "/org-1"),
      connect({}, "/org-1"),
      connect({}, "/org-2"),
    ]);
    const said = [ann, bob, eve].map((client) => collect(client));
    await bob.emitWithAck("say", "for one");
    await eve.emitWithAck("say", "for two");
    await eventually(() => said.every((all) => all.length > 0));
    expect(said).toEqual([["for one"], ["for one"], ["for two"]]);
    const refused = ann.io.socket("/org-3");
    refused.auth = { password: "wrong" };
    refused.connect();
    expect(await heard(refused, "connect_error")).toMatchObject([{ message: "not allowed" }]);
    const unknown = ann.io.socket("/organ");
    expect(await heard(unknown, "connect_error")).toMatchObject([{ message: "Invalid namespace" }]);
    expect(await ann.emitWithAck("echo", "still here")).toBe("still here");
  });

  test("[SO30] a function decides by name and auth at each connection; one that fails knows no namespace", async () => {
    const api = await connect();
    const said = collect(api);
    const tenant = await connect({ auth: { token: "yes" } }, "/tenant-1");
    expect(await tenant.emitWithAck("echo", 1)).toBe(1);
    for (const auth of [{ token: "no" }, { fault: true }]) {
      const stranger = cluster.client("/tenant-1", { auth });
      expect(await heard(stranger, "connect_error")).toMatchObject([{ message: "Invalid namespace" }]);
    }
    // Its handlers hear of its end, too.
    tenant.disconnect();
    await eventually(() => said.includes("/tenant-1: client namespace disconnect"));
  });

  test("[SO30] other code of the Worker reaches them", async () => {
    const clients = await Promise.all([
      connect({}, "/org-9"),
      connect({ auth: { token: "yes" } }, "/tenant-9"),
    ]);
    const said = clients.map((client) => collect(client));
    for (const nsp of ["/org-9", "/tenant-9"]) {
      await cluster.server({ verb: "emit", nsp, args: ["said", "emitted"] });
      await cluster.server({ verb: "tell servers", nsp, args: ["say on all", "told"] });
    }
    await eventually(() => said.every((all) => all.length === 2));
    expect(said.map((all) => all.toSorted())).toEqual([
      ["emitted", "told"],
      ["emitted", "told"],
    ]);
  });
});

/** Lets a client answer the question that many get. */
const answer = (client: Socket | undefined, value: unknown): unknown =>
  client?.on("question", (...args: unknown[]) => (args.at(-1) as (value: unknown) => void)(value));

describe("[SO32] acknowledgements of many clients", () => {
  test("[SO32] an emit to a room gets one answer of each client on all shards, binary data too", async () => {
    const clients = await inRooms(Array.from({ length: 12 }, (_, n) => (n < 10 ? ["asked", "also"] : [])));
    expect(new Set(clients.map(shardOf)).size).toBeGreaterThan(2);
    for (const [n, client] of clients.entries()) answer(client, n === 0 ? Buffer.from([0, 255]) : n);
    const [error, answers] = await ask(clients[11], "ask all", "asked", 10_000);
    expect(error).toBe(null);
    expect(answers).toHaveLength(10);
    expect(answers).toContainEqual(Buffer.from([0, 255]));
    expect(answers.filter((one) => typeof one === "number").toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const asked = { verb: "ask", nsp: "/api", rooms: ["asked", "also"], args: ["question", "why"] };
    const result = await cluster.server({ ...asked, except: [clients[0]?.id] });
    expect(result.answers.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const others = await clients[2]?.emitWithAck("ask others", "asked");
    expect(others).toHaveLength(9);
    expect(others).not.toContain(2);
    const nobody = await cluster.server({ ...asked, rooms: ["nobody"] });
    expect(nobody).toEqual({ answers: [] });
    expect(await clients[11]?.emitWithAck("ask one", clients[3]?.id)).toBe(3);
  });

  test("[SO32] after its time an emit gives an error and the answers that have come", async () => {
    const clients = await inRooms(Array.from({ length: 4 }, () => ["slow"]));
    for (const client of clients.slice(1)) answer(client, "here");
    expect(await ask(clients[0], "ask all", "slow", 500)).toEqual([
      "operation has timed out",
      ["here", "here", "here"],
    ]);
    expect(await clients[1]?.emitWithAck("ask one", clients[0]?.id)).toBe("operation has timed out");
  });

  test("[SO32] a client that goes, and a shard that crashes, end the wait", async () => {
    const clients = await inRooms(Array.from({ length: 6 }, () => ["gone"]));
    const [leaving] = clients;
    const other = clients.find((client) => shardOf(client) !== shardOf(leaving));
    const crashed = clients.filter((client) => shardOf(client) === shardOf(other));
    const here = clients.filter((client) => client !== leaving && !crashed.includes(client));
    for (const client of here) answer(client, "here");
    const heardAll = [leaving, ...crashed].map((client) => heard(client as Socket, "question"));
    const asked = cluster.server({ verb: "ask", nsp: "/api", rooms: ["gone"], args: ["question", "why"] });
    await Promise.all(heardAll);
    leaving?.disconnect();
    await cluster.admin("POST", `/shards/${shardOf(other).slice("auto.".length)}/crash`);
    expect(await asked).toEqual({ error: "operation has timed out", answers: here.map(() => "here") });
  });
});

const ask = (client: Socket | undefined, ...args: unknown[]): Promise<[unknown, unknown[]]> =>
  new Promise((resolve) => {
    const [event = "", ...rest] = args;
    client?.emit(String(event), ...rest, (...given: [unknown, unknown[]]) => resolve(given));
  });

describe("[SO33] events between servers", () => {
  test("[SO33] code of the Worker reaches the handlers of every shard, and no client does", async () => {
    const clients = await inRooms(Array.from({ length: 8 }, () => []));
    const said = clients.map((client) => collect(client));
    clients[0]?.emit("say on all", "forged");
    await cluster.server({ verb: "tell servers", nsp: "/api", args: ["say on all", "told"] });
    await eventually(() => said.every((all) => all.length > 0));
    expect(said).toEqual(clients.map(() => ["told"]));
  });

  test("[SO33] each shard answers once; a handler asks the other shards", async () => {
    const asked = { verb: "ask servers", nsp: "/api" };
    const { answers } = await cluster.server({ ...asked, args: ["double", { n: 21 }] });
    expect(answers).toEqual(Array.from({ length: 8 }, () => ({ n: 21, name: "/api", twice: 42 })));
    const client = await connect();
    expect(await client.emitWithAck("ask servers", { n: 2 })).toHaveLength(7);
    // No shard has a handler for it.
    const none = await cluster.server({ ...asked, args: ["unknown"] });
    expect(none).toEqual({
      error: "timeout reached: only 0 responses received out of 8",
      answers: [],
    });
    const failed = await cluster.server({ ...asked, args: ["fail"] });
    expect(failed.answers).toEqual([]);
  });
});

describe("[SO37] handlers of every event", () => {
  test("[SO37] `onAny` hears each event, and `usePacket` refuses some", async () => {
    const client = await connect({}, "/catch-all");
    const heardOf = ["any", "refused", "handled"].map((event) => {
      const all: unknown[][] = [];
      client.on(event, (...args: unknown[]) => all.push(args));
      return all;
    });
    client.emit("forbidden", 1);
    client.emit("unknown", 2);
    client.emit("allowed", 3);
    client.emit("number", { four: 4 });
    expect(await client.emitWithAck("allowed", 5)).toBe("allowed");
    expect(heardOf).toEqual([
      [
        ["forbidden", [1]],
        ["unknown", [2]],
        ["allowed", [3]],
        ["number", [{ four: 4 }]],
        ["allowed", [5]],
      ],
      [["not that event", null]],
      [
        ["allowed", 3],
        ["number", { four: 4 }],
      ],
    ]);
  });
});
