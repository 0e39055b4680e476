import { Centrifuge } from "centrifuge";
import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { Server } from "../chaos/server.ts";
import { eventually } from "../support/cluster.ts";
import { tier } from "../support/tier.ts";

const BROADCAST = "ringcast:broadcast";
const API_KEY = "an-api-key-for-broadcasts";
const SECRET = "a-secret-of-32-bytes-for-broadcasts";

/** The number of stock clients. */
const LISTENERS = tier({ quick: 500, release: 2_000 });

let server: Server;

beforeAll(async () => {
  server = await Server.start({
    API_KEY,
    READ_KEY: "a-read-key-for-broadcasts",
    TOKEN_HMAC_SECRET: SECRET,
    RINGCAST: {
      development: true,
      anonymous: true,
      shards: { initial: 16 },
      affinity: { userIsKey: true },
      // The test changes the ring itself, and its clients are all in one region.
      scale: { mode: "off" },
      limits: { recoveryMaxPublications: 10_000 },
    },
  });
});
afterAll(() => server.stop());

async function call(path: string, body: object): Promise<any> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "x-api-key": API_KEY, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

type Listener = { readonly client: Centrifuge; readonly heard: unknown[]; readonly messages: unknown[] };

async function connect(name: string): Promise<Listener> {
  const token = await new SignJWT({ sub: name })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(SECRET));
  const endpoint = `${server.url.replace("http", "ws")}/connection/websocket?key=${name}`;
  // The short maximum keeps the test short.
  const client = new Centrifuge(endpoint, { websocket: WebSocket, token, maxReconnectDelay: 2_000 });
  const listener: Listener = { client, heard: [], messages: [] };
  client.on("publication", ({ channel, data }) => {
    if (channel === BROADCAST) listener.heard.push(data);
  });
  client.on("message", ({ data }) => listener.messages.push(data));
  client.on("error", () => undefined);
  client.connect();
  return listener;
}

const connected = (listeners: readonly Listener[]) =>
  listeners.every(({ client }) => client.state === "connected");

const shardsNow = async (): Promise<{ id: string; sessions: number }[]> => {
  const response = await fetch(`${server.url}/admin/api/cluster`, { headers: { "x-api-key": API_KEY } });
  return ((await response.json()) as { shards: { id: string; sessions: number }[] }).shards;
};

/** Adds shards, and waits until each of them has sessions. */
async function addShards(count: number): Promise<void> {
  const before = new Set((await shardsNow()).map(({ id }) => id));
  await call("/admin/api/shards", { count });
  await eventually(async () => {
    const added = (await shardsNow()).filter(({ id }) => !before.has(id));
    return added.length === count && added.every(({ sessions }) => sessions > 0);
  });
}

/** Drains a shard, and waits until it has left. */
async function drainShard(id: string): Promise<void> {
  await call(`/admin/api/shards/${id}/drain`, {});
  await eventually(async () => (await shardsNow()).every((shard) => shard.id !== id));
}

test(
  `[FO1, FO2, FO3] ${LISTENERS} stock clients hear each broadcast once while shards and clients come and go`,
  { timeout: 600_000 },
  async () => {
    const listeners: Listener[] = [];
    // A few hundred connect at a time, because one machine runs them all.
    for (let n = 0; n < LISTENERS; n += 250) {
      const batch = await Promise.all(Array.from({ length: 250 }, (_, k) => connect(`listener-${n + k}`)));
      listeners.push(...batch);
      await eventually(() => connected(batch));
    }
    const ring = { changes: true };
    const changes = (async () => {
      await addShards(2);
      await drainShard("auto-3");
      await addShards(1);
      ring.changes = false;
    })();
    const leavers = listeners.slice(0, 100);
    const expected: unknown[] = [];
    for (let n = 0; n < 30 || ring.changes; n++) {
      expected.push(n);
      const { result } = await call("/api/publish", { channel: BROADCAST, data: n, report: true });
      expect(result.offset).toBe(n + 1);
      // The sum of the shards is the total, which does not exceed the number of clients.
      const sum = result.shards.reduce((total: number, one: any) => total + one.delivered, 0);
      expect(result.delivered).toBe(sum);
      expect(result.delivered).toBeLessThanOrEqual(LISTENERS);
      expect(result.shards.length).toBeGreaterThanOrEqual(15);
      if (n % 10 === 3) for (const { client } of leavers) client.disconnect();
      if (n % 10 === 6) for (const { client } of leavers) client.connect();
      // The publisher waits until a client has heard it.
      await eventually(() => listeners.some(({ heard }) => heard.at(-1) === n));
    }
    await changes;
    for (const { client } of leavers) client.connect();
    await eventually(() => connected(listeners));
    await eventually(() => listeners.every(({ heard }) => heard.length >= expected.length));
    const { result } = await call("/api/publish", { channel: BROADCAST, data: "last", report: true });
    expect(result.delivered).toBe(LISTENERS);
    await eventually(() => listeners.every(({ heard }) => heard.at(-1) === "last"));
    for (const { heard } of listeners) expect(heard).toEqual([...expected, "last"]);
    for (const { client } of listeners) client.disconnect();
  },
);

test("[FO7] a message in the middle of a move is delivered, or reported as not delivered", async () => {
  const users = Array.from({ length: 120 }, (_, n) => `user-${n}`);
  const listeners = new Map<string, Listener>();
  for (const user of users) listeners.set(user, await connect(user));
  await eventually(() => connected([...listeners.values()]));
  const reported = new Map<string, number[]>(users.map((user) => [user, []]));
  let moved = 0;
  let sent = 0;
  for (const { client } of listeners.values())
    client.on("connecting", ({ code }) => code === 4001 && (moved += 1));
  const ring = { changes: true };
  const changes = (async () => {
    for (const id of ["auto-1", "auto-2"]) await drainShard(id);
    await addShards(2);
    ring.changes = false;
  })();
  for (let n = 0; n < 100 || ring.changes; n++) {
    const mode = ["ring", "fanout", "auto"][n % 3];
    const { result } = await call("/api/send", { users, data: n, mode });
    const offline = new Set<string>(result.offline);
    for (const user of users) if (!offline.has(user)) reported.get(user)?.push(n);
    sent = n + 1;
  }
  await changes;
  expect(moved).toBeGreaterThan(0);
  await eventually(() => connected([...listeners.values()]));
  await eventually(() =>
    users.every((user) => listeners.get(user)?.messages.length === reported.get(user)?.length),
  );
  for (const user of users) expect(listeners.get(user)?.messages).toEqual(reported.get(user));
  // At least one user was away for a moment, so the test has covered a message in the middle of a move.
  expect(users.some((user) => (reported.get(user)?.length ?? 0) < sent)).toBe(true);
  for (const { client } of listeners.values()) client.disconnect();
});
