/**
 * Shows a cluster at work: 200 stock clients on 4 shards. The demonstration adds a shard, drains one and crashes one.
 *
 * It fails if an unpredicted client moves, or a client does not come back or misses a publication.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { State, type Centrifuge } from "centrifuge";
import { startCluster, eventually, type Cluster } from "../test/support/cluster.ts";
import { changedOwners, printShards, readOwners, readShards } from "./ring.ts";
import { check, endProgress, finish, progress, quantile, say } from "./screen.ts";

const CLIENTS = 200;
const CHANNEL = "demo";

type DemoClient = {
  readonly key: string;
  readonly client: Centrifuge;
  readonly received: Map<string, number>;
  /** The close codes since the last step, and the times without a connection, in ms. */
  closes: number[];
  awayMs: number[];
  leftAt: number;
};

type Row = Record<string, string | number>;

console.log(`\nRingcast demonstration: ${CLIENTS} stock clients on one machine.\n`);
const cluster = await startCluster({
  cluster: { limits: { upgradesPerSecond: 2_000 } },
});
const guests: DemoClient[] = [];
const rows: Row[] = [];
try {
  await connectClients();
  await publishToAll("hello to all");
  await change("add a shard", "POST", "/shards", { count: 1 });
  const drained = (await readShards(admin))[0]?.id;
  if (drained === undefined) throw new Error("the cluster has no shard");
  await change(`drain ${drained}`, "POST", `/shards/${drained}/drain`, {});
  await eventually(async () => (await readShards(admin)).every((shard) => shard.id !== drained));
  say(`${drained} is empty and has left the cluster`);
  await crashOne();
} finally {
  for (const { client } of guests) client.disconnect();
  await cluster.stop();
}
console.log();
console.table(rows);
finish("Only the predicted clients moved. Every client came back and got every publication.");

async function connectClients(): Promise<void> {
  for (let n = 0; n < CLIENTS; n++) guests.push(createClient(cluster, `user-${n}`));
  const started = performance.now();
  for (const { client } of guests) client.connect();
  await eventually(() => {
    const connected = guests.filter(({ client }) => client.state === State.Connected).length;
    progress(`connected: ${connected} of ${CLIENTS}`);
    return allSubscribed();
  }, 60_000);
  endProgress();
  say(`connected and subscribed in ${Math.round(performance.now() - started)} ms`);
  await printShards(admin);
}

function createClient(home: Cluster, key: string): DemoClient {
  const client = home.client(key);
  const guest: DemoClient = { key, client, received: new Map(), closes: [], awayMs: [], leftAt: 0 };
  client.on("connecting", ({ code }) => {
    if (code === 0) return;
    guest.closes.push(code);
    guest.leftAt = performance.now();
  });
  client.on("connected", () => {
    if (guest.leftAt > 0) guest.awayMs.push(performance.now() - guest.leftAt);
    guest.leftAt = 0;
  });
  const subscription = client.newSubscription(CHANNEL);
  subscription.on("publication", ({ data }) => {
    guest.received.set(data.text, (guest.received.get(data.text) ?? 0) + 1);
  });
  subscription.subscribe();
  return guest;
}

/** Makes one change of the ring: the dry run, the change, the moves, and a publication to all clients. */
async function change(step: string, method: string, path: string, body: object): Promise<void> {
  console.log();
  const dry = await cluster.admin(method, path, { ...body, dryRun: true });
  const predicted: number = dry.body.predicted.moving;
  say(`${step}: the dry run predicts that ${predicted} of ${CLIENTS} clients will move`);
  for (const guest of guests) Object.assign(guest, { closes: [], awayMs: [] });
  const keys = guests.map(({ key }) => key);
  const before = await readOwners(admin, keys);
  const done = await cluster.admin(method, path, body);
  if (done.status >= 300) throw new Error(`${step}: ${JSON.stringify(done.body)}`);
  const predictedKeys = changedOwners(before, await readOwners(admin, keys));
  await eventually(() => {
    const moved = guests.filter(({ closes }) => closes.length > 0).length;
    progress(`moved: ${moved} of ${predicted}`);
    return moved >= predicted && allSubscribed();
  }, 60_000);
  // A wrong move would happen within this second.
  await sleep(1_000);
  endProgress();
  const movedKeys = guests.filter(({ closes }) => closes.length > 0).map(({ key }) => key);
  check("only the predicted clients moved", sameSet(movedKeys, predictedKeys));
  check(
    "each of them moved once, with code 4001",
    guests.every(({ closes }) => closes.every((c) => c === 4001) && closes.length <= 1),
  );
  const received = await publishToAll(step);
  report(step, predicted, movedKeys.length, received);
  await printShards(admin);
}

async function crashOne(): Promise<void> {
  console.log();
  const victim = (await readShards(admin)).toSorted((a, b) => b.sessions - a.sessions)[0];
  if (victim === undefined) throw new Error("the cluster has no shard");
  for (const guest of guests) Object.assign(guest, { closes: [], awayMs: [] });
  say(`crash ${victim.id}, which holds ${victim.sessions} clients: their sockets end without a close frame`);
  await cluster.admin("POST", `/shards/${victim.id}/crash`);
  await eventually(() => {
    const back = guests.filter(({ awayMs }) => awayMs.length > 0).length;
    progress(`back: ${back} of ${victim.sessions}`);
    return back >= victim.sessions && allSubscribed();
  }, 60_000);
  endProgress();
  const received = await publishToAll("after the crash");
  const lost = guests.filter(({ closes }) => closes.length > 0).length;
  check("only the clients of the crashed shard lost their connection", lost === victim.sessions);
  report(`crash ${victim.id}`, victim.sessions, lost, received);
  await printShards(admin);
}

/** Publishes through one client, and checks that every client gets the publication exactly once. */
async function publishToAll(text: string): Promise<number> {
  await guests[0]?.client.publish(CHANNEL, { text });
  await eventually(() => guests.every(({ received }) => received.has(text)), 10_000).catch(() => undefined);
  await sleep(300);
  const once = guests.filter(({ received }) => received.get(text) === 1).length;
  check(`"${text}" reached ${once} of ${CLIENTS} clients exactly once`, once === CLIENTS);
  return once;
}

/** The operator's API, and its answer alone. */
async function admin(method: string, path: string): Promise<any> {
  return (await cluster.admin(method, path)).body;
}

function report(step: string, predicted: number, actual: number, received: number): void {
  const away = guests.flatMap(({ awayMs }) => awayMs).toSorted((a, b) => a - b);
  rows.push({
    step,
    predicted,
    moved: actual,
    "away p50 ms": quantile(away, 0.5),
    "away p95 ms": quantile(away, 0.95),
    "got the next publication once": received,
  });
}

function allSubscribed(): boolean {
  return guests.every(
    ({ client }) =>
      client.state === State.Connected && client.getSubscription(CHANNEL)?.state === "subscribed",
  );
}

function sameSet(some: readonly string[], others: ReadonlySet<string>): boolean {
  return some.length === others.size && some.every((one) => others.has(one));
}
