import { env } from "cloudflare:workers";
import { createExecutionContext, evictAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { SignJWT } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { shardAddress } from "../../src/contracts/address.ts";
import { decodeRoute, encodeRoute, ROUTE_HEADER } from "../../src/contracts/route.ts";
import { createRingcast } from "../../src/ringcast.ts";
import { Shard } from "../../src/shard/shard.ts";
import worker from "../support/socketio/worker.ts";
import { Gate, startOver, until } from "./client.ts";
import { Client, fetchWorker } from "./socketio-client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

describe("[SO8] a sleep is invisible", () => {
  test("[SO8] data, rooms and handlers are there after each sleep, and `connection` runs once", async () => {
    const sleep = () => evictAllDurableObjects({ webSockets: "hibernate" });
    const ann = await Client.connect("&key=ann");
    const bob = await Client.connect("&key=bob");
    await sleep();
    expect(await ann.ask("join", "room")).toEqual([["room"]]);
    await sleep();
    expect(await ann.ask("count")).toEqual([1]);
    await sleep();
    expect(await ann.ask("count")).toEqual([2]);
    await sleep();
    await bob.ask("room", ["room"], [], "hi");
    expect(await ann.next('42["said"')).toBe('42["said","hi"]');
    await sleep();
    const hello = ann.frames.filter((frame) => String(frame).startsWith('42["hello"'));
    expect([hello.length, bob.frames.some((frame) => String(frame).includes("said"))]).toEqual([1, false]);
    ann.say("41");
    await sleep();
    ann.say("40");
    await ann.next('42["hello"');
    expect(await ann.ask("join", "other")).toEqual([["other"]]);
  });

  test("[SO8] the alarm pings a sleeper, and the runtime takes its pong", async () => {
    const client = await Client.connect("&key=ann");
    await evictAllDurableObjects({ webSockets: "hibernate" });
    await client.next("2");
    await evictAllDurableObjects({ webSockets: "hibernate" });
    client.say("3");
    expect(await client.next("6")).toBe("6");
    // The alarm of the pinged shard is due again, and its object was made anew for that alone.
    await client.next("2");
  });
});

test("[SO4] the handshake offers no upgrade, and the socket's id is not the secret id of the connection", async () => {
  const client = await Client.open();
  const { sid, ...handshake } = JSON.parse((await client.next("0")).slice(1));
  expect(handshake).toEqual({ upgrades: [], pingInterval: 2_000, pingTimeout: 5_000, maxPayload: 65_536 });
  client.say("40");
  const connected = JSON.parse((await client.next("40")).slice(2));
  expect(Object.keys(connected)).toEqual(["sid"]);
  expect(connected.sid).not.toContain(sid.split("~")[1]);
});

test("[SO4] the handshake has the query and the headers that are listed, also after a sleep", async () => {
  const client = await Client.open("&key=ann&colour=red", { "x-shown": "yes", "x-hidden": "no" });
  client.say('40{"name":"ann"}');
  await client.next('42["hello"');
  await evictAllDurableObjects({ webSockets: "hibernate" });
  expect(await client.ask("handshake")).toEqual([
    { query: { colour: "red" }, headers: { "x-shown": "yes" }, auth: { name: "ann" } },
  ]);
});

test("[SO5] events in a namespace that has refused its client reach no handler, and end the connection", async () => {
  const client = await Client.connect();
  client.say('40/closed,{"password":"wrong"}');
  await client.next("44/closed,");
  client.say('42/closed,["throw away",true]');
  expect(await client.closed).toBe(4002);
});

test("[SO5] a middleware that fails refuses, and its words stay in the log; null is no error", async () => {
  const client = await Client.connect();
  client.say('40/closed,{"password":"fault"}');
  expect(await client.next("44/closed,")).toBe('44/closed,{"message":"internal server error"}');
  client.say('40/closed,{"password":"null"}');
  await client.next("40/closed,");
});

test.each(["part", "ask"])("[SO9] a socket that has gone owes no answer: %s first", async (first) => {
  const witness = await Client.connect("&key=ann");
  const client = await Client.connect("&key=bob");
  client.say(`42["ask and part","${first}"]`);
  expect(await witness.next('42["said"')).toBe('42["said","socket has been disconnected"]');
});

test("[SO9] answers are taken however many handlers wait for them", async () => {
  const client = await Client.connect();
  const ids = Array.from({ length: 70 }, (_, n) => 100 + n);
  for (const id of ids) client.say(`42${id}["ask me","why"]`);
  const questions = () => client.frames.map(String).filter((frame) => frame.includes('["question","why"]'));
  await until(() => questions().length === ids.length);
  for (const question of questions()) client.say(`43${parseInt(question.slice(2))}["so"]`);
  for (const id of ids) expect(await client.next(`43${id}`)).toBe(`43${id}["answer","so"]`);
});

test("[SO11] an exception that is no text is refused to the sender, and ends no reader", async () => {
  const ann = await Client.connect("&key=ann");
  const bob = await Client.connect("&key=bob");
  await ann.ask("join", "room");
  bob.say('428["room",["room"],["\\ud800"],"poison"]');
  await bob.ask("room", ["room"], [], "hi");
  expect(await ann.next('42["said"')).toBe('42["said","hi"]');
  expect(await ann.ask("echo", "well")).toEqual(["well"]);
});

/** A token in an address. */
const tokenOf = async (claims: Record<string, unknown>): Promise<string> => {
  const key = new TextEncoder().encode(env.TOKEN_HMAC_SECRET);
  return `&token=${await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(key)}`;
};

describe("[SO4] the identity of the upgrade", () => {
  test("[SO4] a token's end holds for a socket without a user, too", async () => {
    const exp = Math.floor(Date.now() / 1_000) + 3_600;
    const client = await Client.open(await tokenOf({ sub: "", exp }));
    client.say("40");
    const [, id = ""] = /auto\.([^~]+)~/.exec(await client.next("40")) ?? [];
    const { name } = shardAddress("socketio", { region: "auto", id });
    const stub = env.SHARD_SOCKETIO?.getByName(name);
    if (stub === undefined) throw new Error("no binding");
    const ends = await runInDurableObject(stub, (_, state) =>
      state
        .getWebSockets()
        .map((socket) => (socket.deserializeAttachment() as { expiresAt: number }).expiresAt),
    );
    expect(ends).toEqual([exp * 1_000]);
  });

  test("[SO16] an identity that the socket has no room for is refused, and not forgotten", async () => {
    const token = await tokenOf({ sub: "ann", info: "x".repeat(5_900) });
    const client = await Client.open(`${token}&more=${encodeURIComponent("語".repeat(1_900))}`);
    client.say("40");
    expect(await client.next("4")).toBe('44{"message":"the identity is too large"}');
  });

  test("[SO16] an identity that leaves no room for a socket's state ends its connection, and harms no other", async () => {
    const witness = await Client.connect("&key=ann");
    const { fetch } = Shard.prototype;
    let length = 15_700;
    vi.spyOn(Shard.prototype, "fetch").mockImplementation(async function (this: Shard, request) {
      const route = decodeRoute(request.headers.get(ROUTE_HEADER) ?? "");
      const identity = { kind: "user", user: "ann", info: "x".repeat(length) } as const;
      const headers = { upgrade: "websocket", [ROUTE_HEADER]: encodeRoute({ ...route, identity }) };
      return fetch.call(this, new Request(request, { headers }));
    });
    let end: number | undefined;
    for (; length < 16_200 && end === undefined; length += 32) {
      const client = await Client.open("&key=ann");
      client.say("40");
      await until(() => client.frames.some((frame) => String(frame).startsWith("4")) || client.isClosed);
      if (client.isClosed) end = await client.closed;
    }
    expect(end).toBe(4010);
    expect(await witness.ask("room", [], [], "hi")).toEqual([]);
  });
});

describe("[SO16] what a socket keeps is bounded", () => {
  test("[SO16] data that the attachment has no room for ends the connection", async () => {
    const client = await Client.connect();
    expect(await client.ask("keep", "x".repeat(8_000))).toEqual([]);
    client.say(`421${JSON.stringify(["keep", "x".repeat(20_000)])}`);
    expect(await client.closed).toBe(4011);
  });

  test("[SO16] a room too many, and a room that is no room, are refused to the handler", async () => {
    const client = await Client.connect();
    for (let n = 1; n < 8; n++) await client.ask("join", `room-${n}`);
    client.say('42["join","one-too-many"]');
    expect(await client.ask("join", "room-1")).toEqual([
      Array.from({ length: 7 }, (_, n) => `room-${n + 1}`).toSorted(),
    ]);
  });

  test("[SO16] a namespace counts as a room", async () => {
    const client = await Client.connect();
    for (let n = 1; n < 8; n++) await client.ask("join", `room-${n}`);
    client.say("40/chat,");
    expect(await client.next("44/chat,")).toBe('44/chat,{"message":"the namespace cannot be joined now"}');
  });

  test("[SO16] frames wait while many emits of their client do", async () => {
    const gate = new Gate();
    const { publish, publishAll } = Channel.prototype;
    const slow = <Call extends unknown[], Result>(method: (...call: Call) => Result) =>
      async function (this: Channel, ...call: Call) {
        await gate.pass();
        return method.apply(this, call);
      } as unknown as (...call: Call) => Result;
    vi.spyOn(Channel.prototype, "publish").mockImplementation(slow(publish));
    vi.spyOn(Channel.prototype, "publishAll").mockImplementation(slow(publishAll));
    const client = await Client.connect("&key=ann");
    const witness = await Client.connect("&key=ann");
    const arrived = vi.spyOn(Shard.prototype, "webSocketMessage");
    for (let n = 0; n < 256; n++) client.say('42["shout","room"]');
    client.say('427["echo","after"]');
    await until(() => arrived.mock.calls.length === 257);
    await witness.ask("echo", "later than the frames before");
    await witness.ask("echo", "and their answers");
    expect(client.frames).not.toContain('437["after"]');
    gate.open();
    await client.next("437");
  });

  test("[SO16] an address with too long a query is refused", async () => {
    const long = `&more=${"x".repeat(3_000)}`;
    const url = `https://ringcast.test/socket.io/?EIO=4&transport=websocket${long}`;
    const response = await fetchWorker(new Request(url, { headers: { upgrade: "websocket" } }));
    expect([response.status, await response.json()]).toEqual([
      400,
      { code: 3, message: "query and headers have more than 2048 characters" },
    ]);
  });
});

test("[SO14] no client of another front, and no back end, reaches a room", async () => {
  const client = await Client.connect();
  await client.ask("join", "room");
  const publish = await fetchWorker(
    new Request("https://ringcast.test/api/publish", {
      method: "POST",
      headers: { "x-api-key": "test-api-key-of-16" },
      body: JSON.stringify({ channel: "ringcast:io:/,room", data: { text: '42["said","forged"]' } }),
    }),
  );
  expect(await publish.json()).toMatchObject({ error: {} });
  const request = new Request("https://ringcast.test/connection/websocket", {
    headers: { upgrade: "websocket" },
  });
  const { webSocket } = await fetchWorker(request);
  const replies: string[] = [];
  webSocket?.addEventListener("message", ({ data }) => replies.push(String(data)));
  webSocket?.accept();
  webSocket?.send('{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"ringcast:io:/,room"}}');
  await until(() => replies.join("\n").includes('"id":2'));
  expect(replies.join("\n")).toContain('"error"');
});

describe("[SO17] a deployment without Socket.IO", () => {
  const request = new Request("https://ringcast.test/socket.io/?EIO=4&transport=websocket", {
    headers: { upgrade: "websocket" },
  });

  test("[SO17] a Worker that describes no server has no such address", async () => {
    const response = await createRingcast().handler.fetch(request, env, createExecutionContext());
    expect(response.status).toBe(404);
  });

  test("[SO17] a Worker without the binding says so", async () => {
    const { SHARD_SOCKETIO: _missing, ...without } = env;
    const response = await worker.fetch(request, without, createExecutionContext());
    expect([response.status, await response.json()]).toEqual([
      400,
      { code: 3, message: "this deployment has no binding SHARD_SOCKETIO" },
    ]);
  });
});
