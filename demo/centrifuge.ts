/**
 * Shows a cluster at work: 200 stock clients on 4 shards, and publications all the while. The demonstration adds a shard,
 * drains one and crashes one.
 *
 * It fails if an unpredicted client moves, a client does not come back, or a client misses a publication, hears one twice
 * or hears them out of order, also those that were published while it was away.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { State, type Centrifuge } from "centrifuge";
import { API_KEY, eventually, startCluster } from "../test/support/cluster.ts";
import { changedOwners, printShards, readOwners, readShards } from "./ring.ts";
import { check, endProgress, finish, progress, quantile, say } from "./screen.ts";

const CLIENTS = 200;
const CHANNEL = "demo:all";
const PAUSE_MS = 100;

type Absence = { readonly from: number; to: number };
type DemoClient = {
  readonly key: string;
  readonly client: Centrifuge;
  /** The numbers of publications, as they came. */
  heard: number[];
  /** The close codes since the last step, and the times without a connection, in ms of this process. */
  closes: number[];
  absences: Absence[];
};

console.log(
  `\nRingcast demonstration: ${CLIENTS} stock clients on one machine, and publications all the while.\n`,
);
const cluster = await startCluster({
  cluster: { limits: { upgradesPerSecond: 2_000 } },
  // Kept for longer than a client is away on a slow machine.
  namespaces: { demo: { history_size: 2_000, history_ttl: "5m", force_recovery: true } },
});
const guests: DemoClient[] = [];
/** When each publication was made, by its number. */
const published: number[] = [];
/** The first publication of the present step. */
let first = 0;
const end = new AbortController();
const rows: Record<string, string | number>[] = [];
try {
  await connectClients();
  const stream = publishAll();
  await change("add a shard", "/shards", { count: 1 });
  const drained = (await readShards(admin))[0]?.id;
  if (drained === undefined) throw new Error("the cluster has no shard");
  await change(`drain ${drained}`, `/shards/${drained}/drain`, {});
  await eventually(async () => (await readShards(admin)).every((shard) => shard.id !== drained));
  await crashOne();
  end.abort();
  await stream;
} finally {
  await cluster.stop();
}
console.log();
console.table(rows);
finish(
  "Only the predicted clients moved, and each came back by itself. Every client heard every publication once and in order,\nalso what was published while it was away.",
);

async function connectClients(): Promise<void> {
  const started = performance.now();
  for (let n = 0; n < CLIENTS; n++) guests.push(createClient(`user-${n}`));
  for (const { client } of guests) client.connect();
  await eventually(() => {
    const connected = guests.filter(({ client }) => client.state === State.Connected).length;
    progress(`connected: ${connected} of ${CLIENTS}`);
    return areBack();
  });
  endProgress();
  say(`${CLIENTS} clients connected and subscribed in ${Math.round(performance.now() - started)} ms`);
  await printShards(admin);
}

function createClient(key: string): DemoClient {
  const client = cluster.client(key);
  const guest: DemoClient = { key, client, heard: [], closes: [], absences: [] };
  client.on("connecting", ({ code }) => {
    if (code === 0) return;
    guest.closes.push(code);
    guest.absences.push({ from: performance.now(), to: Infinity });
  });
  client.on("connected", () => {
    const last = guest.absences.at(-1);
    if (last !== undefined) last.to = performance.now();
  });
  const subscription = client.newSubscription(CHANNEL);
  subscription.on("publication", ({ data }) => guest.heard.push(data.n));
  subscription.subscribe();
  return guest;
}

/** Publishes numbers through the server API, one after the other, until the end. */
async function publishAll(): Promise<void> {
  while (!end.signal.aborted) {
    const n = published.length;
    published.push(performance.now());
    const response = await fetch(new URL("/api/publish", cluster.url), {
      method: "POST",
      headers: { "x-api-key": API_KEY, "x-centrifugo-error-mode": "transport" },
      body: JSON.stringify({ channel: CHANNEL, data: { n }, idempotency_key: `demo-${n}` }),
    });
    if (!response.ok) throw new Error(`publication ${n}: ${await response.text()}`);
    await sleep(PAUSE_MS);
  }
}

/** Makes one change of the ring: the dry run, the change, the moves. */
async function change(step: string, path: string, body: object): Promise<void> {
  const dry = await cluster.admin("POST", path, { ...body, dryRun: true });
  const predicted: number = dry.body.predicted.moving;
  progress(`${step}: the dry run predicts that ${predicted} of ${CLIENTS} clients will move`);
  endProgress();
  const keys = guests.map(({ key }) => key);
  const before = await readOwners(admin, keys);
  begin();
  const done = await cluster.admin("POST", path, body);
  if (done.status >= 300) throw new Error(`${step}: ${JSON.stringify(done.body)}`);
  await untilBack(predicted);
  const owners = changedOwners(before, await readOwners(admin, keys));
  const moved = guests.filter(({ closes }) => closes.length > 0);
  const isExact =
    moved.length === owners.size &&
    moved.every(({ key, closes }) => owners.has(key) && closes.join() === "4001");
  await judge(step, { moved: moved.length, as: "moved, once each, as predicted", isExact });
}

async function crashOne(): Promise<void> {
  const victim = (await readShards(admin)).toSorted((a, b) => b.sessions - a.sessions)[0];
  if (victim === undefined) throw new Error("the cluster has no shard");
  const { id, sessions } = victim;
  progress(`crash ${id}, which holds ${sessions} clients: their sockets end without a close frame`);
  endProgress();
  begin();
  await cluster.admin("POST", `/shards/${id}/crash`);
  await untilBack(sessions);
  const lost = guests.filter(({ closes }) => closes.length > 0).length;
  await judge(`crash ${id}`, {
    moved: lost,
    as: "lost their connection, all of them its own",
    isExact: lost === sessions,
  });
}

/** Forgets what happened before this step; a publication that is on its way counts for it, as none is ever forgotten. */
function begin(): void {
  first = published.length;
  for (const guest of guests) Object.assign(guest, { closes: [], absences: [] });
}

async function untilBack(expected: number): Promise<void> {
  await eventually(() => {
    const away = guests.filter(({ closes }) => closes.length > 0);
    const back = away.filter(({ client }) => client.state === State.Connected).length;
    progress(`away and back: ${back} of ${expected}`);
    return back >= expected && areBack();
  });
  // A wrong move would happen within this second.
  await sleep(1_000);
  endProgress();
}

type Moved = { readonly moved: number; readonly as: string; readonly isExact: boolean };

/** Says what the clients heard of all that was published until the end of this step, and how long they were away. */
async function judge(step: string, { moved, as, isExact }: Moved): Promise<void> {
  const last = published.length;
  // The stream goes on, so a client that has heard a later one has nothing more to come.
  await eventually(() => guests.every(({ heard }) => (heard.at(-1) ?? -1) >= last), 60_000).catch(
    () => undefined,
  );
  const whole = guests.filter(
    ({ heard }) => heard.slice(0, last).every((n, at) => n === at) && heard.length >= last,
  );
  const absences = guests.flatMap((guest) => guest.absences);
  const away = absences.map(({ from, to }) => to - from).toSorted((a, b) => a - b);
  const meanwhile = absences.flatMap(({ from, to }) =>
    published.filter((at) => at >= from && at <= to),
  ).length;
  const [p50, p95] = [quantile(away, 0.5), quantile(away, 0.95)];
  check(
    `${step}: ${moved} of ${CLIENTS} ${as}; away ${p50} ms (median), ${p95} ms (95 of 100). ${last - first} publications meanwhile: ${whole.length} clients heard each once and in order`,
    isExact && whole.length === CLIENTS,
  );
  rows.push({
    step,
    moved,
    "away p50 ms": p50,
    "away p95 ms": p95,
    "published meanwhile": last - first,
    "while one was away": away.length === 0 ? 0 : Number((meanwhile / away.length).toFixed(1)),
    "heard all, once, in order": whole.length,
  });
  await printShards(admin);
}

/** The operator's API, and its answer alone. */
async function admin(method: string, path: string): Promise<any> {
  return (await cluster.admin(method, path)).body;
}

function areBack(): boolean {
  return guests.every(
    ({ client }) =>
      client.state === State.Connected && client.getSubscription(CHANNEL)?.state === "subscribed",
  );
}
