import { setTimeout as sleep } from "node:timers/promises";
import { Centrifuge } from "centrifuge";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { Server } from "../chaos/server.ts";
import { eventually } from "../support/cluster.ts";
import { Receiver, type Behaviour } from "../support/receiver.ts";

const API_KEY = "an-api-key-for-webhooks";
const SECRET = `whsec_${Buffer.from("a secret of the webhook's own, 32+").toString("base64")}`;
const CHANNELS = ["kept:a", "kept:b", "kept:c"];
/** The least number of publications in each channel, and the pause between two. */
const PUBLICATIONS = 100;
const PACE_MS = 60;

let server: Server;
const receiver = new Receiver(SECRET);

beforeAll(async () => {
  await receiver.start();
  server = await Server.start({
    API_KEY,
    READ_KEY: "a-read-key-for-webhooks",
    TOKEN_HMAC_SECRET: "a-secret-of-32-bytes-for-webhooks",
    WEBHOOK_SECRET: SECRET,
    RINGCAST: {
      development: true,
      insecure: true,
      anonymous: true,
      times: { pingIntervalMs: 1_000, vacatedGraceMs: 2_000 },
      webhook: {
        url: receiver.url,
        events: ["connected", "disconnected", "occupied", "vacated", "published", "shards"],
        batchMs: 50,
        batchEvents: 10,
        timeoutMs: 500,
        retryFirstMs: 50,
        retryLastMs: 1_000,
      },
    },
    RINGCAST_NS_kept: { history_size: 1_000, history_ttl: "1h", force_recovery: true },
  });
});
afterAll(async () => {
  server.stop();
  await receiver.stop();
});

async function call(path: string, body: object): Promise<any> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "x-api-key": API_KEY, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

/** Publishes until the server acknowledges it, because the server may be down. */
async function publish(channel: string, n: number): Promise<void> {
  const order = { channel, data: n, idempotency_key: `${channel} ${n}` };
  await eventually(async () => {
    try {
      return (await call("/api/publish", order)).result !== undefined;
    } catch {
      return false;
    }
  });
}

function listen(n: number): { client: Centrifuge; ids: Set<string> } {
  const endpoint = `${server.url.replace("http", "ws")}/connection/websocket?key=guest-${n}`;
  const client = new Centrifuge(endpoint, { websocket: WebSocket, maxReconnectDelay: 1_000 });
  const ids = new Set<string>();
  client.on("connected", ({ client: id }) => ids.add(id));
  client.on("error", () => undefined);
  for (const channel of CHANNELS) client.newSubscription(channel).subscribe();
  client.connect();
  return { client, ids };
}

test(
  "[HK6] a receiver that fails, hangs, breaks and restarts gets every event in order, also from a server that dies",
  { timeout: 600_000 },
  async () => {
    const listeners = Array.from({ length: 12 }, (_, n) => listen(n));
    await eventually(() => listeners.every(({ ids }) => ids.size > 0));
    // Publishes until the faults are over. The pause spreads the publications over many batches.
    let publications = 0;
    const trouble = { lasts: true };
    const publishing = (async () => {
      while (trouble.lasts || publications < PUBLICATIONS) {
        await Promise.all(CHANNELS.map((channel) => publish(channel, publications + 1)));
        publications += 1;
        await sleep(PACE_MS);
      }
    })();
    const behaviours: Behaviour[] = ["fail", "ok", "hang", "ok", "cut", "ok"];
    for (const behaviour of behaviours) {
      receiver.behaviour = behaviour;
      const heard = receiver.deliveries.length;
      await eventually(() => receiver.deliveries.length > heard + 3);
    }
    expect((await call("/admin/api/shards", { count: 1 })).ringEpoch).toBe(2);
    await receiver.stop();
    // Meanwhile 15 more publications in each channel wait for the receiver.
    const waiting = publications + 15;
    await eventually(() => publications >= waiting);
    await server.killAndRestart();
    await receiver.start();
    receiver.behaviour = "cut";
    const before = receiver.deliveries.length;
    await eventually(() => receiver.deliveries.length > before + 3);
    await server.killAndRestart();
    receiver.behaviour = "ok";
    trouble.lasts = false;
    await publishing;
    await eventually(() => listeners.every(({ client }) => client.state === "connected"));
    for (const { client } of listeners) client.disconnect();

    const of = (type: string) => receiver.events().filter((event) => event.type === type);
    const ids = listeners.flatMap((listener) => [...listener.ids]);
    await eventually(() => of("published").length >= CHANNELS.length * publications);
    const gone = () => new Set(of("disconnected").map(({ session }) => session.client));
    await eventually(() => ids.every((id) => gone().has(id)));
    const changes = (channel: string) =>
      receiver
        .events()
        .filter((event) => event.channel === channel && event.type !== "published")
        .map(({ type }) => type);
    await eventually(() => CHANNELS.every((channel) => changes(channel).at(-1) === "vacated"));

    expect(receiver.forged).toEqual([]);
    for (const channel of CHANNELS) {
      const published = of("published").filter((event) => event.channel === channel);
      expect(published.map(({ offset }) => offset)).toEqual(published.map((_, n) => n + 1));
      expect(published.map(({ publication }) => publication.data)).toEqual(
        Array.from({ length: publications }, (_, n) => n + 1),
      );
      // The events alternate, although the shards have died.
      const turns = changes(channel);
      expect(turns).toEqual(turns.map((_, n) => (n % 2 === 0 ? "occupied" : "vacated")));
    }
    // Every session has one connect and then one disconnect. Some sessions ended with a server that died.
    const story = new Map<string, string[]>();
    for (const { type, session } of receiver.events()) {
      if (session !== undefined) story.set(session.client, [...(story.get(session.client) ?? []), type]);
    }
    for (const id of ids) expect(story.get(id)).toEqual(["connected", "disconnected"]);
    expect(of("disconnected").some(({ reason }) => reason === "lost")).toBe(true);
    // The coordinator's queue is one of its own, and may still wait for its next try.
    await eventually(() => of("shards").length > 0);
    expect(of("shards").map(({ ringEpoch, cause }) => [ringEpoch, cause])).toEqual([[2, "add auto-5"]]);

    // A repeated batch has its first id and body. The run had repeated batches, so this check shows something.
    const bodies = new Map<string, string>();
    const events = new Map<string, string>();
    let repeated = 0;
    for (const { batch, body, events: carried } of receiver.deliveries) {
      if (bodies.has(batch)) repeated += 1;
      expect(bodies.get(batch) ?? body).toBe(body);
      bodies.set(batch, body);
      for (const event of carried) {
        const text = JSON.stringify(event);
        expect(events.get(event.id) ?? text).toBe(text);
        events.set(event.id, text);
      }
    }
    expect(repeated).toBeGreaterThan(3);
  },
);
