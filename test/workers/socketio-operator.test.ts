import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { LIVE_CHANNEL, type CodeCount, type LiveEvent, type Pulse } from "../../src/contracts/live.ts";
import { Client as Subscriber, startOver, until } from "./client.ts";
import { Client, fetchWorker } from "./socketio-client.ts";

afterEach(() => startOver());

async function admin(method: string, path: string, body?: unknown, key = env.API_KEY) {
  const response = await fetchWorker(
    new Request(`https://ringcast.test/admin/api${path}`, {
      method,
      headers: { "content-type": "application/json", "x-api-key": key ?? "" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
  return { status: response.status, body: await response.json<any>() };
}

const idOf = (client: Client): string =>
  /"sid":"([^"]+~[^"]+)"/.exec(
    client.frames.map(String).find((frame) => frame.startsWith("40")) ?? "",
  )?.[1] ?? "";

/** A client that watches the feed. */
async function watcher(): Promise<Subscriber> {
  const { connection, tokens } = (await admin("POST", "/live", { channels: [LIVE_CHANNEL] })).body;
  const client = await Subscriber.open("console", { fetcher: fetchWorker });
  await client.ask({ connect: { token: connection } });
  await client.ask({ subscribe: { channel: LIVE_CHANNEL, token: tokens[LIVE_CHANNEL] } });
  return client;
}

const told = (client: Subscriber): LiveEvent[] => client.heard(LIVE_CHANNEL) as LiveEvent[];

test("[OP25] the feed tells what the router of Socket.IO has refused", async () => {
  const client = await watcher();
  const answer = await fetchWorker(new Request("https://ringcast.test/socket.io/?EIO=4&transport=pigeon"));
  expect(answer.status).toBe(400);
  const isTold = ({ codes = [] }: { readonly codes?: readonly CodeCount[] }): boolean =>
    codes.some(({ kind, code }) => kind === "refusal" && code === "unknownTransport");
  await until(async () => {
    await admin("POST", "/live", { channels: [LIVE_CHANNEL] });
    return told(client).some((event) => event.kind === "refused" && isTold(event));
  });
});

test("[SO55] the pulse of a shard names its front, and counts sockets and rooms by namespace", async () => {
  const clients = await Promise.all(["ann", "bob", "carl"].map((key) => Client.connect(`&key=${key}`)));
  for (const client of clients) await client.ask("join", "both:room");
  await clients[0]?.ask("join", "own");
  clients[1]?.say("40/chat,");
  await clients[1]?.next("40/chat,");
  const watching = await watcher();
  const pulses = (): Pulse[] => told(watching).filter((event) => event.kind === "pulse");
  const newest = () => new Map(pulses().map((pulse) => [`${pulse.front ?? ""}/${pulse.shard}`, pulse]));
  const { shards } = (await admin("GET", "/cluster")).body;
  await until(() => newest().size === 2 * shards.length);
  const ofSockets = [...newest().values()].filter(({ front }) => front === "socketio");
  expect(ofSockets.reduce((sum, { sessions }) => sum + sessions, 0)).toBe(3);
  const counted = ofSockets.flatMap(({ namespaces = [] }) => namespaces);
  const sum = (name: string) =>
    counted.reduce((total, one) => total + (one.name === name ? one.sockets : 0), 0);
  expect([sum("/"), sum("/chat"), counted.length > 0]).toEqual([3, 1, true]);
  const [ofAnn] = ofSockets.filter(({ shard }) => idOf(clients[0] as Client).startsWith(`auto.${shard}~`));
  expect(ofAnn?.namespaces?.find(({ name }) => name === "/")?.rooms).toBe(2);
  expect([...newest().values()].filter(({ front, namespaces }) => front === undefined && namespaces)).toEqual(
    [],
  );
});

describe("[SO56] an operator looks at rooms and sockets", () => {
  test("[SO56] rooms come with their sockets over all shards, the largest first, and no more than asked for", async () => {
    const clients = await Promise.all(["a", "b", "c", "d"].map((key) => Client.connect(`&key=${key}`)));
    for (const client of clients) await client.ask("join", "both:room");
    await clients[0]?.ask("join", "small");
    await clients[1]?.ask("join", "middle");
    await clients[2]?.ask("join", "middle");
    const { body } = await admin("GET", "/socketio/rooms", undefined, env.READ_KEY);
    expect(body).toEqual({
      sockets: 4,
      rooms: [
        { room: "both:room", sockets: 4 },
        { room: "middle", sockets: 2 },
        { room: "small", sockets: 1 },
      ],
      truncated: false,
      unreachable: [],
    });
    const fewer = (await admin("GET", "/socketio/rooms?namespace=%2F&limit=1")).body;
    expect([fewer.rooms, fewer.truncated]).toEqual([[{ room: "both:room", sockets: 4 }], true]);
    expect((await admin("GET", "/socketio/rooms?namespace=/chat")).body).toMatchObject({
      sockets: 0,
      rooms: [],
    });
  });

  test("[SO56] sockets come with their user, rooms and the beginning of their data", async () => {
    const ann = await Client.open("&key=ann");
    ann.say('40{"user":"ann"}');
    await ann.next('42["hello"');
    await ann.ask("join", "both:room");
    await ann.ask("keep", "x".repeat(1_000));
    const bob = await Client.connect("&key=bob");
    const { body } = await admin("GET", "/socketio/sockets?room=both:room");
    expect(body).toEqual({
      sockets: [
        {
          id: idOf(ann),
          user: "ann",
          rooms: ["both:room"],
          connectedAt: expect.any(Number),
          data: expect.stringMatching(/^\{.*x{100,} \.\.\.$/),
        },
      ],
      truncated: false,
      unreachable: [],
    });
    const all = (await admin("GET", "/socketio/sockets")).body.sockets;
    expect(all.map(({ id }: { id: string }) => id).toSorted()).toEqual([idOf(ann), idOf(bob)].toSorted());
    const one = (await admin("GET", "/socketio/sockets?limit=1")).body;
    expect([one.sockets.length, one.truncated]).toEqual([1, true]);
    expect((await admin("GET", "/socketio/sockets?limit=1000")).status).toBe(400);
  });
});
