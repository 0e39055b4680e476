import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, openPage } from "../support/browser.ts";
import { eventually } from "../support/cluster.ts";
import { startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";

const require = createRequire(import.meta.url);
/** The releases of the stock client, by the names of their packages here. */
const RELEASES = [
  ["3.1.3", "socket.io-client-v3"],
  ["4.0.2", "socket.io-client-v4.0"],
  ["4.8.4", "socket.io-client"],
] as const;

let cluster: SocketCluster;
const clients: any[] = [];
beforeAll(async () => {
  cluster = await startSocketCluster({
    // Up to nine of the shards leave.
    shards: { initial: 16 },
    times: { pingIntervalMs: 1_000 },
    // A shard pings more seldom where it waits longer.
    socketio: { pingTimeoutMs: 20_000 },
  });
});
afterAll(async () => {
  for (const client of clients) client.disconnect();
  await cluster.stop();
});

/** A client of a release; each release has types of its own. */
function connect(name: string, nsp = "/", options: object = {}): any {
  const { io } = require(name);
  const client = io(new URL(nsp, cluster.url).href, {
    forceNew: true,
    reconnectionDelay: 50,
    ...options,
  });
  clients.push(client);
  return client;
}

const heard = (target: any, event: string): Promise<any[]> =>
  new Promise((resolve) => target.once(event, (...args: unknown[]) => resolve(args)));

/** The answer to an event; older releases have no promise for it. */
const answer = (client: any, event: string, ...args: unknown[]): Promise<any> =>
  new Promise((resolve) => client.emit(event, ...args, (...answer: unknown[]) => resolve(answer)));

/** The transports of a client, and the one that it is on in the end. */
const TRANSPORTS = [
  ["default", {}, "websocket"],
  ["WebSocket", { transports: ["websocket"] }, "websocket"],
  ["polling", { transports: ["polling"] }, "polling"],
] as const;
const MATRIX = RELEASES.flatMap(([version, name]) =>
  TRANSPORTS.map(([label, transports, last]) => [version, label, name, transports, last] as const),
);

describe.each(MATRIX)("the stock client %s, %s transport", (version, _, name, transports) => {
  test("[SO62] connects with auth, asks and answers, and sends and hears binary data", async () => {
    expect(require(`${name}/package.json`).version).toBe(version);
    const client = connect(name, "/", { auth: { name: "ann" }, ...transports });
    expect(await heard(client, "hello")).toEqual([{ auth: { name: "ann" } }]);
    const bytes = Buffer.from([0, 1, 254, 255]);
    expect(await answer(client, "echo", 1, { deep: [bytes] })).toEqual([1, { deep: [bytes] }]);
    client.on("question", (question: string, ack: (answer: string) => void) => ack(question.toUpperCase()));
    // The application waits for a second, which a busy machine may need.
    await eventually(async () => (await answer(client, "ask me", "why")).join() === "answer,WHY");
  });

  test("[SO62] is refused with a message and data, and is let in later", async () => {
    const client = connect(name, "/closed", { auth: { password: "wrong" }, ...transports });
    const [error] = await heard(client, "connect_error");
    expect([error.message, error.data]).toEqual(["not allowed", { asked: "wrong" }]);
    client.auth = { password: "open sesame" };
    client.connect();
    await heard(client, "connect");
    expect(await answer(client, "count")).toEqual([1]);
  });
});

test("[SO62] all live through heartbeats, and come back when their shards leave", async () => {
  const all = MATRIX.map(([version, label, name, transports, last]) => {
    const client = connect(name, "/", { query: { key: `leaver-${version}-${label}` }, ...transports });
    return { client, last };
  });
  await Promise.all(
    all.map(async ({ client, last }) => {
      await heard(client, "connect");
      let pings = 0;
      client.io.engine.on("packet", ({ type }: { type: string }) => (pings += type === "ping" ? 1 : 0));
      await eventually(() => pings >= 3);
      expect(client.io.engine.transport.name).toBe(last);
      expect(await answer(client, "echo", "awake")).toEqual(["awake"]);
    }),
  );
  const shardOf = (client: any): string => /^auto\.(.+)~/.exec(client.id)?.[1] ?? "";
  const leaving = new Set(all.map(({ client }) => shardOf(client)));
  const ends = all.map(({ client }) => heard(client, "disconnect"));
  for (const shard of leaving) await cluster.admin("POST", `/shards/${shard}/drain`, {});
  for (const end of ends) expect((await end)[0]).toBe("transport close");
  await Promise.all(
    all.map(async ({ client }) => {
      await eventually(() => client.connected && !leaving.has(shardOf(client)));
      expect(await answer(client, "count")).toEqual([1]);
    }),
  );
});

test("[SO62] clients of all releases meet in one room, on several shards", async () => {
  const all = [...RELEASES, ...RELEASES].map(([, name], n) =>
    connect(name, "/", { query: { key: `meet-${n}` } }),
  );
  const said: unknown[][][] = all.map(() => []);
  for (const [n, client] of all.entries()) {
    client.on("said", (...args: unknown[]) => said[n]?.push(args));
    if (!client.connected) await heard(client, "connect");
    await answer(client, "join", "meeting");
  }
  expect(new Set(all.map(({ id }) => id.split("~")[0])).size).toBeGreaterThan(1);
  const bytes = Buffer.from([1, 2, 3]);
  for (const [n, client] of all.entries()) await answer(client, "room", ["meeting"], [], n, bytes);
  await eventually(() => said.every(({ length }) => length >= all.length));
  const wanted = all.map((_, n) => [n, bytes]);
  expect(said).toEqual(all.map(() => wanted));
});

describe("the stock client in Chromium", () => {
  /** What a client in a page hears and is answered. */
  async function inPage(options: {
    readonly upgraded: boolean;
    readonly [option: string]: unknown;
  }): Promise<unknown> {
    const browser = await launchBrowser();
    try {
      const { page, problems } = await openPage(browser);
      await page.goto(new URL("/page", cluster.url).href);
      const script = join(require.resolve("socket.io-client/package.json"), "../dist/socket.io.min.js");
      await page.addScriptTag({ path: script });
      const seen = await page.evaluate(async (given) => {
        const { io } = globalThis as any;
        const client = io({ reconnectionDelay: 50, ...given });
        const hello = await new Promise((resolve) => client.once("hello", resolve));
        const echo = await client.emitWithAck("echo", new Uint8Array([7, 8]));
        const rooms = await client.emitWithAck("join", "a page");
        const said = new Promise((resolve) => client.once("said", (...args: unknown[]) => resolve(args)));
        await client.emitWithAck("room", ["a page"], [], "to the page");
        // The default client begins with polling.
        const { engine } = client.io;
        if (given.upgraded && engine.transport.name === "polling")
          await new Promise((resolve) => engine.once("upgrade", resolve));
        const chat = client.io.socket("/chat");
        const count = await chat.emitWithAck("count");
        const { transport } = engine;
        return {
          hello,
          echo: [...new Uint8Array(echo)],
          rooms,
          said: await said,
          count,
          name: transport.name,
        };
      }, options);
      expect(problems).toEqual([]);
      return seen;
    } finally {
      await browser.close();
    }
  }

  test.each([
    ["the default transports", {}, "websocket"],
    ["WebSocket only", { transports: ["websocket"] }, "websocket"],
    ["polling only", { transports: ["polling"] }, "polling"],
  ])("[SO62] uses %s", async (_, transports, name) => {
    expect(await inPage({ auth: { name: "page" }, upgraded: name === "websocket", ...transports })).toEqual({
      hello: { auth: { name: "page" } },
      echo: [7, 8],
      rooms: ["a page"],
      said: ["to the page"],
      count: 1,
      name,
    });
  });
});
