import fc from "fast-check";
import type { Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { eventually } from "../support/cluster.ts";
import { flood } from "../support/flood.ts";
import { heard, startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";
import { tier } from "../support/tier.ts";

/** One shard, so that everybody is beside everybody. */
let cluster: SocketCluster;
let speaker: Socket;
let witness: Socket;
/** What the witness has heard, and how often the two have lost their connections. */
let numbers: number[] = [];
let losses = 0;
let said = 0;

beforeAll(async () => {
  cluster = await startSocketCluster({ shards: { initial: 1 } });
  [speaker, witness] = [cluster.client(), cluster.client()];
  for (const client of [speaker, witness]) {
    if (!client.connected) await heard(client, "connect");
    client.on("disconnect", () => (losses += 1));
  }
  witness.on("said", (n: number) => numbers.push(n));
  await witness.emitWithAck("join", "witnesses");
});
afterAll(() => cluster.stop());
beforeEach(() => {
  numbers = [];
  losses = 0;
  said = 0;
});

const speak = (): Promise<unknown> => speaker.emitWithAck("room", ["witnesses"], [], said++);

/** The others have noticed nothing: each event came once and in order, and no connection was lost. */
afterEach(async () => {
  await speak();
  const wanted = Array.from({ length: said }, (_, n) => n).join();
  await eventually(() => numbers.join() === wanted && losses === 0);
  await eventually(async () => (await cluster.admin("GET", "/cluster")).shards[0].sessions === 2);
});

type Raw = { readonly socket: WebSocket; readonly frames: string[]; readonly closed: Promise<number> };

/** A connection over WebSocket that has its handshake. */
async function raw(): Promise<Raw> {
  const socket = new WebSocket(new URL("/socket.io/?EIO=4&transport=websocket", cluster.url).href);
  const frames: string[] = [];
  socket.on("message", (data: Buffer) => frames.push(data.toString()));
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  await new Promise((resolve) => socket.once("message", resolve));
  return { socket, frames, closed };
}

/** The same, in the main namespace. */
async function joined(): Promise<Raw> {
  const one = await raw();
  one.socket.send("40");
  await eventually(() => one.frames.some((frame) => frame.startsWith('42["hello"')));
  return one;
}

/** A session that polls. */
async function polls() {
  const request = async (query: string, init: RequestInit = {}) => {
    const response = await fetch(new URL(`/socket.io/?EIO=4&transport=polling${query}`, cluster.url), init);
    return { status: response.status, body: await response.text() };
  };
  const { body } = await request("");
  const { sid } = JSON.parse(body.slice(1));
  const query = `&sid=${encodeURIComponent(sid)}`;
  return {
    get: () => request(query),
    /** A stream is sent without its length. */
    post: (body: string | Uint8Array<ArrayBuffer> | ReadableStream) =>
      request(query, { method: "POST", body, duplex: "half" } as RequestInit),
  };
}

const event = (...args: unknown[]): string => `42${JSON.stringify(args)}`;
const placeholders = (count: number): unknown[] =>
  Array.from({ length: count }, (_, num) => ({ _placeholder: true, num }));

describe("limits of one client", () => {
  test("[SO63] a packet has ten attachments, and one more ends its connection", async () => {
    const ten = await joined();
    ten.socket.send(`4510-7["echo",${JSON.stringify(placeholders(10)).slice(1, -1)}]`);
    for (let n = 0; n < 10; n++) ten.socket.send(Buffer.from([n]));
    await eventually(() => ten.frames.some((frame) => frame.startsWith("4610-7[")));
    ten.socket.send(`4511-8["echo",${JSON.stringify(placeholders(11)).slice(1, -1)}]`);
    expect(await ten.closed).toBe(4002);
  });

  test("[SO63] attachments that wait for the rest have a bound together", async () => {
    const { socket, closed } = await joined();
    socket.send(`4510-["echo",${JSON.stringify(placeholders(10)).slice(1, -1)}]`);
    // Each is within the bound of a frame.
    for (let n = 0; n < 9; n++) socket.send(Buffer.alloc(8_192));
    expect(await closed).toBe(4002);
  });

  test("[SO63] frames are admitted before they wait, and a body of many packets is many frames", async () => {
    const flooding = await joined();
    await flood(flooding.socket, () => event("echo"));
    expect(await flooding.closed).toBe(4029);
    const polling = await polls();
    expect((await polling.post("40")).status).toBe(200);
    const body = Array.from({ length: 5_000 }, () => event("echo")).join("\u001E");
    expect((await polling.post(body)).status).toBe(400);
    expect(await polling.get()).toMatchObject({ status: 400, body: expect.stringContaining("unknown") });
  });

  test("[SO63] a body, and a body of unknown length, have a bound", async () => {
    const { post } = await polls();
    const large = `4${"x".repeat(65_536)}`;
    expect((await post(large)).status).toBe(413);
    expect((await post(new Blob([large]).stream())).status).toBe(413);
    expect((await post("40")).status).toBe(200);
    expect((await post("1")).status).toBe(200);
  });

  test("[SO63] a connection is in 128 rooms and namespaces at most", async () => {
    const client = cluster.client();
    await heard(client, "connect");
    let rooms = 0;
    while (await client.emitWithAck("join if there is room", `room-${rooms}`)) rooms += 1;
    client.disconnect();
    // The namespace counts, too.
    expect(rooms).toBe(127);
  });

  test("[SO63] a session that polls and reads nothing is ended when too much waits for it", async () => {
    const reader = await polls();
    await reader.post("40");
    await reader.post(event("join", "heap"));
    await eventually(async () => (await cluster.server({ verb: "fetch", rooms: ["heap"] })).length === 1);
    for (let n = 0; n < 40; n++)
      await cluster.server({ verb: "emit", rooms: ["heap"], args: ["said", "x".repeat(60_000)] });
    await eventually(async () => (await cluster.server({ verb: "fetch", rooms: ["heap"] })).length === 0);
    expect((await reader.get()).status).toBe(400);
  });
});

describe("bytes of strangers", () => {
  const packet = fc
    .tuple(
      fc.constantFrom("4", "4", "4", "4", "0", "1", "2", "3", "5", "6", "b", "", "7"),
      fc.constantFrom("0", "1", "2", "3", "4", "51-", "61-", "511-", "50-", "9", ""),
      fc.constantFrom("", "", "/chat,", "/closed,", "/unknown,", "/", "/x".repeat(100)),
      fc.constantFrom("", "0", "12", "-1", "99999999999999999999"),
      fc.oneof(
        fc.constantFrom(
          "",
          "{}",
          '["echo"]',
          '["join","strange"]',
          '["count"]',
          '["room",[],[],1]',
          '["connect"]',
        ),
        fc.constantFrom(
          '["throw away",true]',
          '["ask me",1]',
          "[]",
          "[7]",
          '["echo",{"_placeholder":true,"num":0}]',
        ),
        fc.json(),
        fc.string(),
      ),
    )
    .map((parts) => parts.join(""));
  const frame = fc.oneof(
    { weight: 6, arbitrary: packet },
    { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: fc.constantFrom("40", "40/chat,", '42["echo",1]') },
  );
  const frames = fc.array(frame, { minLength: 1, maxLength: 12 });
  const runs = { quick: 60, release: 1_500 };

  test("[SO64] any frames over WebSocket harm their own connection alone", { timeout: 900_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(frames, fc.boolean(), async (frames, isInNamespace) => {
        const spoken = speak();
        const { socket, closed } = await raw();
        if (isInNamespace) socket.send("40");
        for (const frame of frames) socket.send(frame);
        // A ping of a client ends what those before it have left.
        socket.send("2");
        await closed;
        await spoken;
      }),
      { seed: 20_261_129, numRuns: tier(runs), endOnFailure: true },
    );
  });

  test(
    "[SO64] any bodies of a session that polls harm that session alone",
    { timeout: 900_000 },
    async () => {
      const text = frame.filter((one): one is string => typeof one === "string");
      const body = fc.oneof(
        {
          weight: 5,
          arbitrary: fc.array(text, { minLength: 1, maxLength: 6 }).map((all) => all.join("\u001E")),
        },
        { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes)) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 4 }), async (bodies) => {
          const spoken = speak();
          const { post, get } = await polls();
          await post("40");
          for (const one of bodies) if ((await post(one)).status !== 200) break;
          await post("1");
          expect((await get()).status).toBe(400);
          await spoken;
        }),
        { seed: 20_261_129, numRuns: tier(runs), endOnFailure: true },
      );
    },
  );
});
