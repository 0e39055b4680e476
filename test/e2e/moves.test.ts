import { State, type Centrifuge } from "centrifuge";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, startCluster, type Cluster } from "../support/cluster.ts";

const CLIENTS = 200;
const CHANNEL = "moves";

type Guest = {
  readonly key: string;
  readonly client: Centrifuge;
  closes: number[];
  heard: Map<number, number>;
};

let cluster: Cluster;
let guests: Guest[];

const allSubscribed = () =>
  guests.every(
    ({ client }) =>
      client.state === State.Connected && client.getSubscription(CHANNEL)?.state === "subscribed",
  );

beforeAll(async () => {
  cluster = await startCluster();
  guests = Array.from({ length: CLIENTS }, (_, n) => {
    const guest: Guest = {
      key: `guest-${n}`,
      client: cluster.client(`guest-${n}`),
      closes: [],
      heard: new Map(),
    };
    guest.client.on("connecting", ({ code }) => void (code !== 0 && guest.closes.push(code)));
    const subscription = guest.client.newSubscription(CHANNEL);
    subscription.on("publication", ({ data }) => guest.heard.set(data, (guest.heard.get(data) ?? 0) + 1));
    subscription.subscribe();
    guest.client.connect();
    return guest;
  });
  await eventually(allSubscribed);
});
afterAll(() => cluster?.stop());

const shards = async () =>
  (await cluster.admin("GET", "/cluster")).body.shards as { id: string; sessions: number }[];

async function owners(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { key } of guests)
    found.set(key, (await cluster.admin("GET", `/explain?key=${key}`)).body.owner);
  return found;
}

/** Makes a change. Only the clients whose key has another owner afterwards may be closed: once, with 4001. */
async function changeMovesExactly(method: string, path: string, body: object): Promise<number> {
  const before = await owners();
  const dry = await cluster.admin(method, path, { ...body, dryRun: true });
  expect(await owners()).toEqual(before);
  for (const guest of guests) guest.closes = [];
  const done = await cluster.admin(method, path, body);
  expect(done.status).toBeLessThan(300);
  expect(done.body.predicted.moving).toBe(dry.body.predicted.moving);
  const after = await owners();
  const predicted = guests.map(({ key }) => key).filter((key) => before.get(key) !== after.get(key));
  expect(predicted.length).toBe(dry.body.predicted.moving);
  await eventually(() => guests.filter(({ closes }) => closes.length > 0).length >= predicted.length);
  await eventually(allSubscribed);
  // Every shard has told the coordinator that its moves are over, so no client will still be moved.
  await eventually(async () => {
    const [epoch] = (await cluster.admin("GET", "/epochs?limit=50")).body.epochs.filter(
      (one: any) => one.ringEpoch === done.body.ringEpoch,
    );
    return epoch.moved === predicted.length;
  });
  expect(guests.filter(({ closes }) => closes.length > 0).map(({ key }) => key)).toEqual(predicted);
  for (const { closes } of guests)
    expect(closes.length === 0 || (closes.length === 1 && closes[0] === 4001)).toBe(true);
  return predicted.length;
}

async function allHear(data: number): Promise<void> {
  await guests[0]?.client.publish(CHANNEL, data);
  await eventually(() => guests.every(({ heard }) => heard.has(data)));
  expect(guests.filter(({ heard }) => heard.get(data) !== 1)).toEqual([]);
}

test("[MV1] a new shard takes exactly the predicted clients, and every client hears the next publication once", async () => {
  await allHear(1);
  expect(await changeMovesExactly("POST", "/shards", { count: 1 })).toBeGreaterThan(0);
  await allHear(2);
  expect(await shards()).toHaveLength(5);
});

test("[MV1] a drained shard loses exactly its clients, and then leaves", async () => {
  const [leaving] = await shards();
  const moved = await changeMovesExactly("POST", `/shards/${leaving?.id}/drain`, {});
  expect(moved).toBe(leaving?.sessions);
  await eventually(async () => (await shards()).length === 4);
  await allHear(3);
});

test("[MV5] the clients of a crashed shard come back by themselves, and no other client notices", async () => {
  const victim = (await shards()).toSorted((a, b) => b.sessions - a.sessions)[0];
  for (const guest of guests) guest.closes = [];
  await cluster.admin("POST", `/shards/${victim?.id}/crash`);
  await eventually(() => guests.filter(({ closes }) => closes.length > 0).length >= (victim?.sessions ?? 0));
  await eventually(allSubscribed);
  expect(guests.filter(({ closes }) => closes.length > 0)).toHaveLength(victim?.sessions ?? 0);
  await allHear(4);
});
