import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Socket } from "socket.io-client";
import WebSocket from "ws";
import { eventually } from "../support/cluster.ts";
import { heard, startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";

let cluster: SocketCluster;
beforeAll(async () => {
  cluster = await startSocketCluster();
});
afterAll(() => cluster.stop());

/** A client that has joined its namespace. */
async function connect(nsp = "/", options: Parameters<SocketCluster["client"]>[1] = {}): Promise<Socket> {
  const client = cluster.client(nsp, options);
  await heard(client, "connect");
  return client;
}

/** Collects the arguments of an event. */
function collect(client: Socket, event = "said"): unknown[][] {
  const all: unknown[][] = [];
  client.on(event, (...args: unknown[]) => all.push(args));
  return all;
}

describe("stock clients over WebSocket", () => {
  test("[SO4] a client joins namespaces, sends its auth, and gets answers", async () => {
    const main = cluster.client("/", { auth: { name: "ann" } });
    expect(await heard(main, "hello")).toEqual([{ auth: { name: "ann" } }]);
    expect(await main.emitWithAck("echo", 1, "two", { three: [3] })).toBe(1);
    const chat = await connect("/chat");
    expect(chat.id).not.toBe(main.id);
    expect(await chat.emitWithAck("count")).toBe(1);
    expect(await chat.emitWithAck("count")).toBe(2);
  });

  test("[SO5] a namespace refuses with a message and data, and the connection stays", async () => {
    const main = await connect();
    const closed = main.io.socket("/closed", { auth: { password: "wrong" } });
    const [error] = (await heard(closed, "connect_error")) as [Error & { data: unknown }];
    expect([error.message, error.data]).toEqual(["not allowed", { asked: "wrong" }]);
    closed.auth = { password: "open sesame" };
    closed.connect();
    await heard(closed, "connect");
    const unknown = main.io.socket("/unknown");
    expect(await heard(unknown, "connect_error")).toMatchObject([{ message: "Invalid namespace" }]);
    expect(await main.emitWithAck("echo", "still here")).toBe("still here");
  });

  test("[SO6] binary data travels both ways, in events and acknowledgements", async () => {
    const client = await connect();
    const bytes = Buffer.from([0, 1, 254, 255]);
    expect(await client.emitWithAck("echo", { deep: [bytes, bytes] })).toEqual({ deep: [bytes, bytes] });
    const back = heard(client, "echo");
    client.emit("echo", bytes, "text");
    expect(await back).toEqual([bytes, "text"]);
    await client.emitWithAck("join", "binary");
    const said = heard(client, "said");
    await client.emitWithAck("room", ["binary"], [], bytes);
    expect(await said).toEqual([bytes]);
  });

  test("[SO7] leaving a namespace keeps the others; the server's end is final", async () => {
    const main = await connect();
    const chat = main.io.socket("/chat");
    await heard(chat, "connect");
    chat.disconnect();
    expect(await main.emitWithAck("echo", 1)).toBe(1);
    chat.connect();
    await heard(chat, "connect");
    const thrown = heard(chat, "disconnect");
    chat.emit("throw away", false);
    expect((await thrown)[0]).toBe("io server disconnect");
    expect([main.connected, chat.active]).toEqual([true, false]);
    const closed = heard(main, "disconnect");
    main.emit("throw away", true);
    expect((await closed)[0]).toBe("io server disconnect");
    expect(main.active).toBe(false);
  });

  test("[SO9] the server gets a client's answer, or an error after its time", async () => {
    const client = await connect();
    client.on("question", (question: string, ack: (answer: string) => void) => ack(question.toUpperCase()));
    expect(await ask(client, "why")).toEqual(["answer", "WHY"]);
    client.off("question");
    expect(await ask(client, "why")).toEqual(["error", "operation has timed out"]);
  });
});

const ask = (client: Socket, question: string): Promise<unknown[]> =>
  new Promise((resolve) => client.emit("ask me", question, (...answer: unknown[]) => resolve(answer)));

describe("rooms over eight shards", () => {
  /** Clients on several shards, in these rooms each; what they hear. */
  async function inRooms(rooms: readonly (readonly string[])[]) {
    const clients = await Promise.all(rooms.map((_, n) => connect("/", { query: { key: `key-${n}` } })));
    for (const [n, names] of rooms.entries())
      for (const name of names) await clients[n]?.emitWithAck("join", name);
    expect(new Set(clients.map(({ id }) => id?.split("~")[0])).size).toBeGreaterThan(1);
    return { clients, said: clients.map((client) => collect(client)) };
  }
  /** Each client has heard everything that was sent to it before. */
  const settle = (said: unknown[][][], counts: readonly number[]) =>
    eventually(() => said.every((all, n) => all.length >= (counts[n] ?? 0)));

  test("[SO10] an event reaches the sockets of a room on every shard, in one order, and nobody else", async () => {
    const { clients, said } = await inRooms([["a"], ["a"], ["a"], ["a"], [], ["other"]]);
    for (let n = 0; n < 20; n++) await clients[n % 4]?.emitWithAck("room", ["a"], [], n);
    await settle(said, [20, 20, 20, 20]);
    expect(said.slice(0, 4)).toEqual(
      Array.from({ length: 4 }, () => Array.from({ length: 20 }, (_, n) => [n])),
    );
    expect(said.slice(4)).toEqual([[], []]);
    await clients[0]?.emitWithAck("leave", "a");
    await clients[1]?.emitWithAck("others", ["a"], "without two");
    await settle(said, [20, 20, 21, 21]);
    expect(said.map((all) => all.length)).toEqual([20, 20, 21, 21, 0, 0]);
  });

  test("[SO61] a client that does not wait is heard in its order, in one room and in a union", async () => {
    const { clients, said } = await inRooms([["o1"], ["o1", "o2"], ["o2"], []]);
    for (let n = 0; n < 60; n++)
      clients[3]?.emit("room", n % 20 < 10 ? ["o1"] : ["o1", "o2"], [], n, () => undefined);
    await settle(said, [60, 60, 30]);
    const all = Array.from({ length: 60 }, (_, n) => [n]);
    expect(said.slice(0, 3)).toEqual([all, all, all.filter(([n = 0]) => n % 20 >= 10)]);
  });

  test("[SO11] a union of rooms reaches each socket once, without those that are excepted", async () => {
    const { clients, said } = await inRooms([["u1"], ["u1", "u2", "u3"], ["u2", "u3"], ["u3", "quiet"], []]);
    const rooms = ["u1", "u2", "u3", clients[1]?.id ?? ""];
    for (let n = 0; n < 10; n++) await clients[4]?.emitWithAck("room", rooms, ["quiet"], n);
    await settle(said, [10, 10, 10]);
    // An event that came twice would come before the answers to these.
    await clients[4]?.emitWithAck("room", [], [], "end");
    await settle(said, [11, 11, 11, 1, 1]);
    expect(said.map((all) => all.length)).toEqual([11, 11, 11, 1, 1]);
  });

  test("[SO10] the id of a socket is a room of its own, wherever its shard is", async () => {
    const { clients, said } = await inRooms([[], [], [], [], []]);
    for (const { id } of clients.slice(1)) await clients[0]?.emitWithAck("room", [id], [], "private");
    await settle(said, [0, 1, 1, 1, 1]);
    await clients[0]?.emitWithAck("others", [], "for others");
    await settle(said, [0, 2, 2, 2, 2]);
    const nobody = clients[1]?.id?.replace(/~.*/, "~aaaaaaaaaaaaaaaaaaaa");
    await clients[0]?.emitWithAck("room", [nobody, "auto.no-such-shard~aaaaaaaaaaaaaaaaaaaa"], [], "nobody");
    expect(said).toEqual([[], ...Array.from({ length: 4 }, () => [["private"], ["for others"]])]);
  });

  test("[SO12] other code of the Worker emits to rooms, and finds, moves and ends sockets", async () => {
    const { clients, said } = await inRooms([["w"], ["w"], [], []]);
    await cluster.server({ verb: "emit", rooms: ["w"], args: ["said", "from outside"] });
    await settle(said, [1, 1]);
    const found = await cluster.server({ verb: "fetch", rooms: ["w"] });
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    expect(found.toSorted(byId)).toMatchObject(
      clients
        .slice(0, 2)
        .map(({ id = "" }) => ({ id, rooms: [id, "w"], data: { count: 0 } }))
        .toSorted(byId),
    );
    await cluster.server({ verb: "join", rooms: [clients[2]?.id], room: "w" });
    await cluster.server({ verb: "leave", rooms: [clients[0]?.id], room: "w" });
    await cluster.server({ verb: "emit", rooms: ["w"], args: ["said", "again"] });
    await settle(said, [1, 2, 1]);
    const ended = heard(clients[1] as Socket, "disconnect");
    await cluster.server({ verb: "disconnect", rooms: ["w"], except: [clients[2]?.id] });
    expect((await ended)[0]).toBe("io server disconnect");
    expect(said.map((all) => all.length)).toEqual([1, 2, 1, 0]);
    expect(clients.map(({ connected }) => connected)).toEqual([true, false, true, true]);
  });
});

describe("requests to /socket.io/", () => {
  const request = async (query: string, init: RequestInit = {}) => {
    const response = await fetch(new URL(`/socket.io/?${query}`, cluster.url), init);
    return [response.status, await response.json()];
  };

  test.each([
    ["EIO=4", { code: 0, message: "Transport unknown" }],
    ["EIO=4&transport=tube", { code: 0, message: "Transport unknown" }],
    ["EIO=4&transport=websocket&sid=x", { code: 1, message: "Session ID unknown" }],
    ["EIO=4&transport=websocket", { code: 3, message: "Bad request" }],
  ])("[SO3] %s is refused as a stock server does it", async (query, error) => {
    expect(await request(query)).toEqual([400, error]);
  });

  test("[SO3] another method and another version are refused with their codes", async () => {
    expect(await request("EIO=4&transport=websocket", { method: "POST" })).toEqual([
      400,
      { code: 2, message: "Bad handshake method" },
    ]);
    const old = new WebSocket(new URL("/socket.io/?EIO=3&transport=websocket", cluster.url).href);
    const refusal = await new Promise((resolve) =>
      old.on("unexpected-response", (_, response) => {
        response.on("data", (data: Buffer) => resolve([response.statusCode, JSON.parse(String(data))]));
      }),
    );
    expect(refusal).toEqual([400, { code: 5, message: "Unsupported protocol version" }]);
  });
});

describe("clients that break the protocol", () => {
  /** A raw connection; its frames, and how it was closed. */
  async function raw() {
    const socket = new WebSocket(new URL("/socket.io/?EIO=4&transport=websocket", cluster.url).href);
    const frames: string[] = [];
    socket.on("message", (data: Buffer) => frames.push(data.toString()));
    const closed = new Promise<number>((resolve) => socket.on("close", resolve));
    await new Promise((resolve) => socket.once("message", resolve));
    return { socket, frames, closed };
  }

  test.each([
    ["no packet", "x"],
    ["a ping", "2"],
    ["a packet of no type", "49"],
    ["an event before a namespace", '42["echo"]'],
    ["an event of a foreign namespace", '42/chat,["echo"]'],
    ["stray bytes", Buffer.from([1])],
    ["attachments that never come", '451-["echo",{"_placeholder":true,"num":0}]'],
  ])("[SO15] %s ends the connection, and no other", async (_, frame) => {
    const witness = await connect();
    const { socket, closed } = await raw();
    socket.send("40");
    socket.send(frame);
    socket.send("4");
    expect(await closed).toBe(4002);
    expect(await witness.emitWithAck("echo", "well")).toBe("well");
  });

  test("[SO15] a second connect ends the connection, and a close of the client is followed", async () => {
    const twice = await raw();
    twice.socket.send("40");
    twice.socket.send("40");
    expect(await twice.closed).toBe(4002);
    const leaving = await raw();
    leaving.socket.send("1");
    expect(await leaving.closed).toBe(1000);
  });

  test("[SO15] an event of a client is no event of its life", async () => {
    const { socket, frames } = await raw();
    socket.send("40");
    await eventually(() => frames.some((frame) => frame.startsWith('42["hello"')));
    socket.send('42["connection"]');
    socket.send('427["echo","end"]');
    await eventually(() => frames.includes('437["end"]'));
    expect(frames.filter((frame) => frame.startsWith('42["hello"')).length).toBe(1);
  });

  test("[SO16] a frame that is too large, and a flood, end the connection", async () => {
    const large = await raw();
    large.socket.send("40");
    large.socket.send(`42["echo","${"x".repeat(65_536)}"]`);
    expect(await large.closed).toBe(1009);
    const flood = await raw();
    flood.socket.send("40");
    // Each costs a token for every 4 KiB, so that a busy machine that reads slowly meets a flood, too.
    const frame = `42["nobody hears it","${"x".repeat(60_000)}"]`;
    for (let n = 0; n < 600; n++) flood.socket.send(frame);
    expect(await flood.closed).toBe(4029);
  });
});

test("[SO13] a move closes the transport, and stock clients come back by themselves", async () => {
  const clients = await Promise.all(
    Array.from({ length: 24 }, (_, n) =>
      connect("/", { query: { key: `mover-${n}` }, reconnectionDelay: 50 }),
    ),
  );
  const reasons = clients.map((client) => collect(client, "disconnect"));
  const before = clients.map(({ id }) => id);
  const drained = before[0]?.split("~")[0] ?? "";
  await cluster.admin("POST", `/shards/${drained.slice("auto.".length)}/drain`, {});
  await eventually(() => clients.every(({ connected, id }) => connected && !id?.startsWith(`${drained}~`)));
  const moved = reasons.filter(({ length }) => length > 0);
  expect(moved.length).toBeGreaterThan(0);
  expect(moved.length).toBeLessThan(24);
  expect(new Set(moved.map(([first]) => first?.[0]))).toEqual(new Set(["transport close"]));
});

test("[EL60] of many refused upgrades a bounded number waits", async () => {
  const full = await startSocketCluster({
    shards: { initial: 1 },
    limits: { sessionsPerShard: 1, lateErrors: 20 },
    times: { lateErrorMs: 30_000 },
  });
  try {
    await heard(full.client(), "connect");
    const statuses: (number | undefined)[] = [];
    const refused = Array.from({ length: 30 }, () => {
      const socket = new WebSocket(new URL("/socket.io/?EIO=4&transport=websocket", full.url).href);
      socket.on("unexpected-response", (_, { statusCode }) => statuses.push(statusCode));
      return socket.on("error", () => {});
    });
    // A half of the bound is a burst of answers that wait, each up to half a minute.
    await eventually(() => statuses.length >= 20);
    expect(statuses).toEqual(statuses.map(() => 503));
    expect(statuses.length).toBeLessThan(30);
    for (const socket of refused) socket.terminate();
  } finally {
    await full.stop();
  }
});
