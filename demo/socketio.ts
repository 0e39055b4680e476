/**
 * Shows a cluster at work with 200 stock Socket.IO clients on 4 shards, and events all the while. The demonstration
 * adds a shard, drains one and crashes one, and measures the time that each moved client was away and the events that it
 * missed.
 *
 * It fails if an unpredicted client moves, a client does not come back, or hears an event twice or out of order, or if
 * a client that was there misses one.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Socket } from "socket.io-client";
import { eventually } from "../test/support/cluster.ts";
import { startSocketCluster } from "../test/support/socketio/ours.ts";
import { changedOwners, printShards, readOwners, readShards } from "./ring.ts";
import { check, endProgress, finish, progress, quantile, say } from "./screen.ts";

const CLIENTS = 200;
const PAUSE_MS = 100;
/** A client notices the end of its connection so long after the shard at most, on a busy machine. */
const NOTICE_MS = 2_000;

/** A time without a connection, in ms of this process. */
type Absence = { readonly from: number; to: number };
type DemoClient = { readonly key: string; readonly client: Socket; heard: number[]; absences: Absence[] };
type Emitted = { readonly at: number; done: number };

/** With connection state recovery a client that comes back gets what it has missed. */
const isRecovering = process.argv.includes("--recovery");

console.log(
  `\nRingcast demonstration: ${CLIENTS} stock Socket.IO clients on one machine, ${isRecovering ? "with" : "without"} connection state recovery.\n`,
);
const cluster = await startSocketCluster({
  shards: { initial: 4 },
  limits: { upgradesPerSecond: 2_000 },
  socketio: { connectionStateRecovery: isRecovering },
});
const guests: DemoClient[] = [];
/** By its number. */
const emitted: Emitted[] = [];
/** The first event of the present step. */
let first = 0;
const end = new AbortController();
const rows: Record<string, string | number>[] = [];
try {
  await connectClients();
  const stream = emitAll();
  await change("add a shard", "/shards", { count: 1 });
  const drained = (await readShards(cluster.admin))[0]?.id ?? "";
  await change(`drain ${drained}`, `/shards/${drained}/drain`, {});
  await eventually(async () => (await readShards(cluster.admin)).every((shard) => shard.id !== drained));
  say(`${drained} is empty and has left the cluster`);
  await crashOne();
  end.abort();
  await stream;
} finally {
  await cluster.stop();
}
console.log();
console.table(rows);
finish(
  `Only the predicted clients moved, and each came back by itself. A client that was there missed no event;\n${
    isRecovering
      ? "one that was away is the same socket, and got the events of that time."
      : "one that was away missed the events of that time, as it would with a stock server."
  }`,
);

async function connectClients(): Promise<void> {
  const started = performance.now();
  for (let n = 0; n < CLIENTS; n++) guests.push(createClient(`user-${n}`));
  await eventually(() => {
    progress(`connected: ${guests.filter(({ client }) => client.connected).length} of ${CLIENTS}`);
    return areBack();
  });
  endProgress();
  say(`connected in ${Math.round(performance.now() - started)} ms`);
  await printShards(cluster.admin);
}

function createClient(key: string): DemoClient {
  // The default transports: polling first.
  const client = cluster.client("/", { query: { key }, transports: ["polling", "websocket"] });
  const guest: DemoClient = { key, client, heard: [], absences: [] };
  client.on("said", (n: number) => guest.heard.push(n));
  client.on("disconnect", () => guest.absences.push({ from: performance.now(), to: Infinity }));
  client.on("connect", () => {
    const last = guest.absences.at(-1);
    if (last !== undefined) last.to = performance.now();
  });
  return guest;
}

/** Emits numbers to all sockets of the namespace, one after the other. */
async function emitAll(): Promise<void> {
  while (!end.signal.aborted) {
    const event: Emitted = { at: performance.now(), done: Infinity };
    emitted.push(event);
    await cluster.server({ verb: "emit", args: ["said", emitted.length - 1] });
    event.done = performance.now();
    await sleep(PAUSE_MS);
  }
}

/** Makes one change of the ring: the dry run, the change, the moves. */
async function change(step: string, path: string, body: object): Promise<void> {
  console.log();
  const dry = await cluster.admin("POST", path, { ...body, dryRun: true });
  say(`${step}: the dry run predicts that ${dry.predicted.moving} of ${CLIENTS} clients will move`);
  const keys = guests.map(({ key }) => key);
  const before = await readOwners(cluster.admin, keys);
  await begin();
  await cluster.admin("POST", path, body);
  await untilBack(dry.predicted.moving);
  const predicted = changedOwners(before, await readOwners(cluster.admin, keys));
  const moved = guests.filter(({ absences }) => absences.length > 0);
  check(
    "only the predicted clients moved, and each of them once",
    moved.length === predicted.size &&
      moved.every(({ key, absences }) => predicted.has(key) && absences.length === 1),
  );
  await judge(step, predicted.size);
}

async function crashOne(): Promise<void> {
  console.log();
  const victim = (await readShards(cluster.admin)).toSorted((a, b) => b.sessions - a.sessions)[0];
  if (victim === undefined) throw new Error("the cluster has no shard");
  say(`crash ${victim.id}, which holds ${victim.sessions} clients: their sockets end without a close frame`);
  await begin();
  await cluster.admin("POST", `/shards/${victim.id}/crash`);
  await untilBack(victim.sessions);
  const lost = guests.filter(({ absences }) => absences.length > 0).length;
  check("only the clients of the crashed shard lost their connection", lost === victim.sessions);
  await judge(`crash ${victim.id}`, victim.sessions);
}

/** Forgets what happened before this step. */
async function begin(): Promise<void> {
  first = emitted.length;
  await eventually(() => guests.every(({ heard }) => (heard.at(-1) ?? -1) >= first - 1));
  for (const guest of guests) Object.assign(guest, { heard: [], absences: [] });
  // An event that was on its way while the clients forgot belongs to no step.
  first = emitted.length;
}

async function untilBack(expected: number): Promise<void> {
  await eventually(() => {
    const away = guests.filter(({ absences }) => absences.length > 0);
    const back = away.filter(({ client }) => client.connected).length;
    progress(`away and back: ${back} of ${expected}`);
    return back >= expected && areBack();
  });
  // A wrong move would happen within this second.
  await sleep(1_000);
  endProgress();
}

/** Counts what the clients heard of the events of this step, and how long they were away. */
async function judge(step: string, predicted: number): Promise<void> {
  const last = emitted.length;
  await eventually(() => guests.every(({ heard }) => (heard.at(-1) ?? -1) >= last));
  const moved = guests.filter(({ absences }) => absences.length > 0);
  const away = moved
    .flatMap(({ absences }) => absences.map(({ from, to }) => to - from))
    .toSorted((a, b) => a - b);
  const [p50, p99, most] = [0.5, 0.99, 1].map((part) => quantile(away, part));
  say(`away: median ${p50} ms, 99 of 100 within ${p99} ms, the longest ${most} ms`);
  let whileAway = 0;
  let lost = 0;
  let disorder = 0;
  for (const { heard, absences } of guests) {
    const ofStep = heard.filter((n) => n >= first && n < last);
    if (ofStep.some((n, at) => n <= (ofStep[at - 1] ?? -1))) disorder += 1;
    const known = new Set(ofStep);
    for (let n = first; n < last; n++) {
      if (known.has(n)) continue;
      if (absences.some((absence) => wasDuring(emitted[n], absence))) whileAway += 1;
      else lost += 1;
    }
  }
  say(
    `${last - first} events meanwhile; a moved client missed ${mean(whileAway, moved.length)} of them, while it was away`,
  );
  check("no client missed an event while it was there", lost === 0);
  if (isRecovering) {
    check(
      "each moved client was recovered",
      moved.every(({ client }) => client.recovered),
    );
    check("no client missed an event while it was away", whileAway === 0);
  }
  check("no client heard an event twice or out of order", disorder === 0);
  rows.push({
    step,
    predicted,
    moved: moved.length,
    "away p50 ms": p50 ?? 0,
    "away p99 ms": p99 ?? 0,
    "away max ms": most ?? 0,
    events: last - first,
    "missed while away, each": mean(whileAway, moved.length),
    "missed otherwise": lost,
  });
  await printShards(cluster.admin);
}

function wasDuring(event: Emitted | undefined, { from, to }: Absence): boolean {
  return event !== undefined && event.at <= to && event.done >= from - NOTICE_MS;
}

function mean(sum: number, count: number): string {
  return count === 0 ? "0" : (sum / count).toFixed(1);
}

function areBack(): boolean {
  return guests.every(({ client }) => client.connected);
}
