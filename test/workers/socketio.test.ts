import { env } from "cloudflare:workers";
import { createExecutionContext, evictAllDurableObjects } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { createRingcast } from "../../src/ringcast.ts";
import worker from "../support/socketio/worker.ts";
import { startOver, until } from "./client.ts";

afterEach(() => startOver());

const fetchWorker = (request: Request): Promise<Response> =>
  worker.fetch(request, env, createExecutionContext());

/** A client that speaks Socket.IO by hand. */
class Client {
  readonly frames: (string | number[])[] = [];
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  #taken = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      this.frames.push(typeof data === "string" ? data : [...new Uint8Array(data as ArrayBuffer)]);
    });
    this.closed = new Promise((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)));
    socket.accept();
  }

  static async open(query = "", headers: Record<string, string> = {}): Promise<Client> {
    const url = `https://ringcast.test/socket.io/?EIO=4&transport=websocket${query}`;
    const { webSocket } = await fetchWorker(
      new Request(url, { headers: { upgrade: "websocket", ...headers } }),
    );
    if (webSocket === null) throw new Error("no upgrade");
    return new Client(webSocket);
  }

  /** Joins the main namespace. */
  static async connect(query = ""): Promise<Client> {
    const client = await Client.open(query);
    client.say("40");
    await client.next('42["hello"');
    return client;
  }

  say(frame: string): void {
    this.#socket.send(frame);
  }

  /** The next frame that begins so. */
  async next(start: string): Promise<string> {
    let found: string | undefined;
    await until(() => {
      for (; found === undefined && this.#taken < this.frames.length; this.#taken++) {
        const frame = this.frames[this.#taken];
        if (typeof frame === "string" && frame.startsWith(start)) found = frame;
      }
      return found !== undefined;
    });
    return found ?? "";
  }

  /** The answer to an event. */
  async ask(...args: unknown[]): Promise<unknown> {
    this.say(`421${JSON.stringify(args)}`);
    return JSON.parse((await this.next("431")).slice(3)) as unknown;
  }
}

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
  expect(handshake).toEqual({ upgrades: [], pingInterval: 2_000, pingTimeout: 20_000, maxPayload: 65_536 });
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
