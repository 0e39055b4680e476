/**
 * Breaks a running cluster in every way that we know, while stock clients publish and listen. Then it checks whether
 * an acknowledged publication was lost, repeated or put out of order. The exit status is 1 if a law was broken.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Centrifuge, type Subscription } from "centrifuge";
import WebSocket from "ws";
import { judge, UNSEEN, type Heard, type Hearing } from "../../src/cli/verify/judge.ts";
import { Server } from "./server.ts";
import { Strangers } from "./strangers.ts";
import { Witness } from "./witness.ts";

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "60" },
    channels: { type: "string", default: "10" },
    publishers: { type: "string", default: "6" },
    seconds: { type: "string", default: "60" },
    faults: { type: "string", default: "40" },
    pause: { type: "string", default: "100" },
    kills: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(
    "npm run chaos -- [--clients 60] [--channels 10] [--publishers 6] [--seconds 60] [--pause 100 ms] [--faults 40] [--kills 1] [--seed N]",
  );
  process.exit(0);
}
const [CLIENTS, CHANNELS, PUBLISHERS, SECONDS, PAUSE_MS, FAULTS, KILLS, SEED] = [
  values.clients,
  values.channels,
  values.publishers,
  values.seconds,
  values.pause,
  values.faults,
  values.kills,
  values.seed,
].map(Number) as [number, number, number, number, number, number, number, number];
const EVICT_MS = 5_000;
const CHANNELS_EACH = 3;
const BACK_ENDS = 2;
const API_KEY = "an-api-key-for-chaos";

const random = mulberry32(SEED);
const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
/** Every fifth channel keeps only its last few publications, so that some resumes have to be refused. */
const SHORT_KEEPS = 10;
const BROADCAST = "ringcast:broadcast";
/** A few listeners hear publications of up to a megabyte here. */
const LARGE = "large:0";
const LARGE_LISTENERS = 4;
const LARGEST_BYTES = 1_000_000;
const LARGE_PAUSE_MS = 2_000;
/** A resume over more than `limits.resumeBytes` may be refused. */
const RESUME_BYTES = 4 * 2 ** 20;
const bytesOf = new Map<string, number>();
const small = Array.from({ length: CHANNELS }, (_, n) => (n % 5 === 4 ? `short:${n}` : `kept:${n}`));
const channels = [...small, LARGE];
/** Makes a publication so long that a patch is shorter. */
const PADDING = "so that what changed is less than what stayed; ".repeat(4);

type Listener = { readonly client: Centrifuge; sockets: WebSocket[]; readonly hearings: Map<string, Live> };
type Live = {
  from: number | undefined;
  at: number;
  heard: Heard[];
  unrecovered: { from: number; to: number }[];
  resumes: number;
};

console.log(
  `Chaos: seed ${SEED}, ${CLIENTS} clients, ${CHANNELS} channels, ${PUBLISHERS} publishers, ${SECONDS} s, ${FAULTS} faults and ${KILLS} kills of the server.`,
);
const server = await Server.start({
  API_KEY,
  READ_KEY: "a-read-key-for-chaos",
  TOKEN_HMAC_SECRET: "a-secret-of-32-bytes-for-the-chaos-run",
  RINGCAST: {
    development: true,
    insecure: true,
    anonymous: true,
    limits: { recoveryMaxPublications: 10_000, historyMaxPublications: 10_000 },
    broadcast: { historySize: 10_000 },
  },
  RINGCAST_NS_kept: {
    history_size: 100_000,
    history_ttl: "24h",
    force_recovery: true,
    allowed_delta_types: ["fossil"],
  },
  RINGCAST_NS_large: { history_size: 100_000, history_ttl: "24h", force_recovery: true },
  RINGCAST_NS_short: { history_size: SHORT_KEEPS, history_ttl: "24h", force_recovery: true },
});
const acknowledged = new Map<string, string[]>([...channels, BROADCAST].map((channel) => [channel, []]));
const acknowledgedAt = new Map<string, number>();
let longestMs = 0;
const counts = new Map<string, number>();
const count = (event: string) => counts.set(event, (counts.get(event) ?? 0) + 1);
const traffic = { on: true };
let failed = 0;
try {
  const listeners = Array.from({ length: CLIENTS }, (_, n) => listen(n));
  await until("all clients are connected", 60_000, () =>
    listeners.every(({ client }) => client.state === "connected"),
  );
  const publishers = [
    ...Array.from({ length: PUBLISHERS }, (_, n) => publish(n)),
    ...Array.from({ length: BACK_ENDS }, (_, n) => publishOverHttp(n)),
    publishLarge(),
  ];
  const witness = new Witness(connect("witness", []));
  const watching = witness.watch(() => traffic.on);
  const strangers = new Strangers(() => new URL(server.url));
  await breakThings(listeners, strangers);
  traffic.on = false;
  strangers.leave();
  await Promise.all([...publishers, watching]);
  console.log("The faults are over. The run waits until every client has heard every publication.");
  // This is the last publication in each channel: repeated deliveries come before it.
  for (const channel of [...channels, BROADCAST]) await publishOne(channel, `last-${channel}`);
  const logs = await readLogs(listeners);
  await until("all clients have heard the whole log", 60_000, () => behind(listeners, logs) === 0).catch(
    () => undefined,
  );
  failed = report(listeners, logs, witness);
} finally {
  server.stop();
}
process.exit(failed > 0 ? 1 : 0);

function connect(key: string, sockets: WebSocket[]): Centrifuge {
  class Tracked extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      sockets.splice(0, sockets.length, this);
    }
  }
  const endpoint = `${server.url.replace("http", "ws")}/connection/websocket?key=${key}`;
  const client = new Centrifuge(endpoint, { websocket: Tracked, maxReconnectDelay: 2_000 });
  client.on("error", () => undefined);
  client.connect();
  return client;
}

function listen(n: number): Listener {
  const sockets: WebSocket[] = [];
  const client = connect(`listener-${n}`, sockets);
  const hearings = new Map<string, Live>();
  const wanted = Array.from({ length: CHANNELS_EACH }, (_, k) => small[(n + k * 7) % small.length] as string);
  for (const channel of n < LARGE_LISTENERS ? [...wanted, LARGE] : wanted) {
    if (hearings.has(channel)) continue;
    const live: Live = { from: undefined, at: 0, heard: [], unrecovered: [], resumes: 0 };
    hearings.set(channel, live);
    const delta = n % 2 === 0 && channel.startsWith("kept:");
    const subscription = client.newSubscription(channel, delta ? { delta: "fossil" } : {});
    subscription.on("publication", ({ offset, data }) => onPublication(live, offset, data));
    subscription.on("subscribed", (context) => onSubscribed(live, context));
    subscription.on("error", () => undefined);
    subscription.subscribe();
  }
  const live: Live = { from: undefined, at: 0, heard: [], unrecovered: [], resumes: 0 };
  hearings.set(BROADCAST, live);
  client.on("publication", ({ offset, data }) => onPublication(live, offset, data));
  client.on("subscribed", (context) => onSubscribed(live, context));
  return { client, sockets, hearings };
}

function onPublication(live: Live, offset: number | undefined, data: { id: string }): void {
  live.at = offset ?? 0;
  live.heard.push({ offset: live.at, id: data.id });
  longestMs = Math.max(longestMs, Date.now() - (acknowledgedAt.get(data.id) ?? Infinity));
}

type Subscribed = Parameters<Parameters<Subscription["once"]>[1]>[0] & {
  wasRecovering?: boolean;
  recovered?: boolean;
  streamPosition?: { offset: number; epoch: string };
};

function onSubscribed(live: Live, context: Subscribed): void {
  const top = context.streamPosition?.offset ?? 0;
  if (context.wasRecovering === true) {
    live.resumes += 1;
    if (context.recovered === true) return;
    live.unrecovered.push({ from: live.at, to: top });
  }
  live.from ??= top;
  live.at = top;
}

/** Publishes one after the other. An unanswered publication is not sent again; the log has it once or lacks it. */
async function publish(n: number): Promise<void> {
  const client = connect(`publisher-${n}`, []);
  for (let k = 0; traffic.on; k++) {
    const channel = pick(small);
    const id = `${n}-${k}`;
    try {
      await client.publish(channel, { id, text: PADDING });
      acknowledged.get(channel)?.push(id);
      acknowledgedAt.set(id, Date.now());
    } catch {
      count("publications without an answer");
      await sleep(50);
    }
    await sleep(random() * PAUSE_MS);
  }
  client.disconnect();
}

/**
 * A back end: broadcasts and publishes over the server API. It sends a failed request again under the same idempotency
 * key until the server answers, so the log must have every publication once.
 */
async function publishOverHttp(n: number): Promise<void> {
  for (let k = 0; traffic.on; k++) {
    const channel = k % 2 === 0 ? BROADCAST : pick(small);
    await publishOne(channel, `http-${n}-${k}`);
    await sleep(random() * PAUSE_MS * 2);
  }
}

async function publishLarge(): Promise<void> {
  for (let k = 0; traffic.on; k++) {
    await publishOne(
      LARGE,
      `large-${k}`,
      PADDING.repeat(Math.ceil((random() * LARGEST_BYTES) / PADDING.length)),
    );
    await sleep(random() * LARGE_PAUSE_MS);
  }
}

async function publishOne(channel: string, id: string, text = PADDING): Promise<void> {
  bytesOf.set(id, text.length);
  const body = JSON.stringify({ channel, data: { id, text }, idempotency_key: id });
  for (let answered = false; !answered;) {
    try {
      const headers = { "x-api-key": API_KEY };
      const response = await fetch(`${server.url}/api/publish`, { method: "POST", headers, body });
      answered = "result" in ((await response.json()) as object);
    } catch {
      // The server is down at the moment.
    }
    if (!answered) {
      count("repeated requests to the API");
      await sleep(100);
    }
  }
  acknowledged.get(channel)?.push(id);
  acknowledgedAt.set(id, Date.now());
}

async function admin(method: string, path: string, body?: object): Promise<any> {
  const response = await fetch(`${server.url}/admin/api${path}`, {
    method,
    headers: { "x-api-key": API_KEY, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return response.json();
}

async function activeShards(): Promise<string[]> {
  const { shards } = await admin("GET", "/epochs?limit=1").then(({ epochs }) => epochs[0]);
  return shards.filter((shard: any) => shard.state === "active").map((shard: any) => shard.id);
}

async function breakThings(listeners: readonly Listener[], strangers: Strangers): Promise<void> {
  const evict = async (className: "Shard" | "Channel", webSockets: "close" | "hibernate") => {
    const name = className === "Shard" ? `auto/${pick(await activeShards())}` : pick(channels);
    // The order waits until the object has nothing to do; a busy object may never come to that.
    const late = sleep(EVICT_MS).then(() => Promise.reject(new Error("the object was busy")));
    await Promise.race([server.evict({ className, name, webSockets }), late]);
  };
  const faults: Record<string, () => Promise<unknown>> = {
    "client's socket cut": async () => pick(listeners).sockets[0]?.terminate(),
    "shard put to sleep": () => evict("Shard", "hibernate"),
    "shard evicted with its sockets": () => evict("Shard", "close"),
    "shard crashed": async () => admin("POST", `/shards/${pick(await activeShards())}/crash`),
    "channel put to sleep": () => evict("Channel", "hibernate"),
    "channel crashed": () => admin("POST", `/channels/${encodeURIComponent(pick(channels))}/crash`),
    "clients' connections reset": () => strangers.come("reset", 50),
    "stranger floods": () => strangers.come("flood", 3),
    "strangers read nothing": () => strangers.come("stall", 10),
    "strangers answer no close": () => strangers.come("neverAnswer", 10),
    "strangers vanish": async () => strangers.leave(),
    "coordinator crashed": () => admin("POST", "/coordinator/crash"),
    "shard added": async () =>
      (await activeShards()).length < 6 ? admin("POST", "/shards", { count: 1 }) : undefined,
    "shard drained": async () => {
      const active = await activeShards();
      if (active.length > 3) await admin("POST", `/shards/${pick(active)}/drain`, {});
    },
  };
  const names = Object.keys(faults);
  const started = Date.now();
  const killsAt = new Set(
    Array.from({ length: KILLS }, (_, n) => Math.floor(((n + 1) * FAULTS) / (KILLS + 1))),
  );
  for (let n = 0; n < FAULTS; n++) {
    await sleep(Math.max(0, started + (n * SECONDS * 1_000) / FAULTS - Date.now()));
    const name = killsAt.has(n) ? "server killed and started again" : (names[n % names.length] ?? "");
    try {
      await (killsAt.has(n) ? server.killAndRestart() : faults[name]?.());
      count(`fault: ${name}`);
    } catch (error) {
      // For example, an object that is not running cannot be evicted.
      count(`fault without effect: ${name} (${String(error).slice(0, 60)})`);
    }
  }
  await sleep(Math.max(0, started + SECONDS * 1_000 - Date.now()));
}

/** The log of each channel, from the first publication on. */
async function readLogs(listeners: readonly Listener[]): Promise<Map<string, Heard[]>> {
  const client = connect("reader", []);
  await client.ready(30_000);
  const logs = new Map<string, Heard[]>();
  for (const channel of channels) {
    const subscription = client.newSubscription(channel);
    subscription.subscribe();
    await subscription.ready(30_000);
    const { epoch, offset: top } = await subscription.history({ limit: 0 });
    const log = channel.startsWith("short:") ? trimmed(channel, top - SHORT_KEEPS, listeners) : [];
    for (;;) {
      const page = await subscription.history({ limit: 1_000, since: { offset: log.length, epoch } });
      if (page.publications.length === 0) break;
      log.push(
        ...page.publications.map(({ offset, data }) => ({ offset: offset ?? 0, id: data.id as string })),
      );
    }
    logs.set(channel, log);
  }
  logs.set(BROADCAST, await readBroadcasts());
  client.disconnect();
  return logs;
}

/** The log of the broadcast channel, which only back ends may read. */
async function readBroadcasts(): Promise<Heard[]> {
  const body = JSON.stringify({ channel: BROADCAST, limit: -1 });
  const headers = { "x-api-key": API_KEY };
  const response = await fetch(`${server.url}/api/history`, { method: "POST", headers, body });
  const { result } = (await response.json()) as {
    result: { publications: { offset: number; data: { id: string } }[] };
  };
  return result.publications.map(({ offset, data }) => ({ offset, id: data.id }));
}

/** The trimmed part of a log, up to an offset, as far as the listeners heard it. */
function trimmed(channel: string, until: number, listeners: readonly Listener[]): Heard[] {
  const log = Array.from({ length: Math.max(0, until) }, (_, n) => ({ offset: n + 1, id: UNSEEN }));
  for (const { hearings } of listeners)
    for (const heard of hearings.get(channel)?.heard ?? [])
      if (heard.offset <= until) log[heard.offset - 1] = heard;
  return log;
}

function behind(listeners: readonly Listener[], logs: ReadonlyMap<string, readonly Heard[]>): number {
  const late = listeners.flatMap(({ hearings }) =>
    [...hearings].filter(([channel, { at }]) => at < (logs.get(channel)?.length ?? 0)),
  );
  return late.length;
}

function report(listeners: readonly Listener[], logs: Map<string, Heard[]>, witness: Witness): number {
  const isTooLarge = (channel: string, from: number, to: number): boolean => {
    const missed = logs.get(channel)?.slice(from, to) ?? [];
    return missed.reduce((sum, { id }) => sum + (bytesOf.get(id) ?? 0), 0) > RESUME_BYTES;
  };
  const hearings: Hearing[] = listeners.flatMap(({ hearings: all }, n) =>
    [...all].map(([channel, { from, heard, unrecovered }]) => ({
      who: `listener-${n}`,
      channel,
      from: from ?? 0,
      heard,
      unrecovered: unrecovered.map(({ from: at, to }) => ({
        from: at,
        to,
        isJustified: isTooLarge(channel, at, to),
      })),
    })),
  );
  const keeps = new Map(
    channels.filter((channel) => channel.startsWith("short:")).map((channel) => [channel, SHORT_KEEPS]),
  );
  const verdict = judge({ acknowledged, logs, keeps, hearings });
  const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, one) => total + one, 0);
  const rows: Record<string, number> = {
    "publications acknowledged": sum([...acknowledged.values()].map(({ length }) => length)),
    "publications in the logs": sum([...logs.values()].map(({ length }) => length)),
    deliveries: sum(hearings.map(({ heard }) => heard.length)),
    resumes: sum(listeners.flatMap(({ hearings: all }) => [...all.values()].map(({ resumes }) => resumes))),
    "answers to the witness": witness.answers,
    "witness: half of the round trips under, ms": witness.percentile(0.5),
    "witness: 99 of 100 round trips under, ms": witness.percentile(0.99),
    "longest from acknowledged to delivered, ms": longestMs,
    ...Object.fromEntries([...counts].toSorted(([a], [b]) => a.localeCompare(b))),
    lost: verdict.lost.length,
    repeated: verdict.repeated.length,
    "out of order": verdict.outOfOrder.length,
    "recovered: false": sum(hearings.map(({ unrecovered }) => unrecovered.length)),
    "recovered: false, unjustified": verdict.unjustified.length,
  };
  console.table(rows);
  const problems = Object.values(verdict).flat();
  for (const problem of problems.slice(0, 40)) console.error(problem);
  if (problems.length > 0)
    console.error(`${problems.length} violations of laws. Repeat the run with --seed ${SEED}.`);
  return problems.length;
}

async function until(condition: string, forMs: number, probe: () => boolean): Promise<void> {
  const end = Date.now() + forMs;
  while (!probe()) {
    if (Date.now() > end) throw new Error(`this condition has stayed false: ${condition}`);
    await sleep(50);
  }
}

/** A small generator of random numbers. A seed gives the same faults again, at other moments. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
