/**
 * Shows a cluster that scales by itself on a real server: one shard, and stock clients that arrive within a minute.
 * The cluster grows to what they need. Then nine of ten leave, and it shrinks to one shard, one at a time.
 *
 *   npm run demo:scale -- [--clients 2000] [--crash (the newest shard crashes after each addition)]
 *
 * The times of the policy are divided by 30, and a shard takes 250 sessions. It fails if a client is refused for more
 * than ten seconds, if a client hears a publication twice, out of order or not at all, or if the policy turns round more
 * than twice.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";
import type { ScaleReport } from "../src/contracts/scale.ts";
import { Server } from "../test/chaos/server.ts";

const API_KEY = "demo-key-of-some-length";
const CHANNEL = "kept:news";
const ARRIVAL_MS = 60_000;
const STREAM_PAUSE_MS = 200;
const REFUSED_AT_MOST_MS = 10_000;

const { values } = parseArgs({
  options: { clients: { type: "string", default: "2000" }, crash: { type: "boolean", default: false } },
});
const wanted = Number(values.clients);

type Guest = {
  readonly client: Centrifuge;
  readonly heard: number[];
  /** When the guest was refused first since its last connection; 0: not at all. */
  refusedAt: number;
  longestRefusedMs: number;
};

const server = await Server.start({
  API_KEY,
  RINGCAST: {
    development: true,
    insecure: true,
    anonymous: true,
    shards: { initial: 1, max: 64 },
    limits: { sessionsPerShard: 250 },
    times: { healthReportMs: 2_000, pingIntervalMs: 5_000, pongTimeoutMs: 60_000 },
    scale: {
      mode: "on",
      regionMin: 1_000_000,
      lowForMs: 20_000,
      settleMs: 30_000,
      youngMs: 10_000,
      lastMovesMs: 2_000,
    },
  },
  RINGCAST_NS_kept: { history_size: 5_000, history_ttl: "1h", force_recovery: true },
});
const guests: Guest[] = [];
const published: number[] = [];
const rows: Record<string, string | number>[] = [];
let problems = 0;
let shown = "";
try {
  await run();
} finally {
  for (const { client } of guests) client.disconnect();
  server.stop();
}
console.table(rows);
if (problems > 0) console.error(`${problems} of the checks above failed.`);
process.exit(problems > 0 ? 1 : 0);

async function run(): Promise<void> {
  const stream = new AbortController();
  const publishing = publish(stream.signal);
  const crashing = values.crash ? crashNewest(stream.signal) : Promise.resolve(0);
  const started = performance.now();
  for (let n = 0; n < wanted; n++) {
    guests.push(createGuest(n));
    await sleep(Math.max(0, started + (n * ARRIVAL_MS) / wanted - performance.now()));
    if (n % 100 === 0) await progress("arriving");
  }
  await until("arrived", () => guests.every(({ client }) => client.state === "connected"));
  await until("grown", async () => {
    const { shards } = await scale();
    return shards.every(({ load, weight, fullWeight }) => weight === fullWeight && largest(load) < 0.75);
  });
  const top = (await scale()).shards.length;
  const leaving = guests.slice(Math.round(wanted / 10));
  for (const { client } of leaving) client.disconnect();
  // At rest the policy waits for nothing: the clients that stay need the shards that are left.
  await until("shrunk", async () => {
    const { shards, looksAgainAt } = await scale();
    return shards.length < top && looksAgainAt === null;
  });
  const rest = (await scale()).shards.length;
  stream.abort();
  await publishing;
  const crashes = await crashing;
  const stayed = guests.slice(0, Math.round(wanted / 10));
  const last = published.at(-1) ?? 0;
  await until("heard", () => stayed.every(({ heard }) => heard.at(-1) === last));
  const { decisions } = await scale();
  const kinds = decisions.map(({ kind }) => kind).filter((kind) => kind === "add" || kind === "drain");
  const turns = kinds.filter((kind, n) => n > 0 && kind !== kinds[n - 1]).length;
  const wrong = guests.filter(({ heard }) => !isComplete(heard)).length;
  const refused = guests.filter(({ longestRefusedMs }) => longestRefusedMs > 0);
  const longest = Math.max(0, ...guests.map(({ longestRefusedMs }) => longestRefusedMs));
  rows.push({
    clients: wanted,
    "most shards": top,
    "shards at rest": rest,
    additions: kinds.filter((kind) => kind === "add").length,
    drains: kinds.filter((kind) => kind === "drain").length,
    turns,
    crashes,
    "refused at least once": refused.length,
    "longest refused, s": (longest / 1_000).toFixed(1),
    publications: published.length,
    "clients that heard wrongly": wrong,
  });
  check("no client was refused for more than ten seconds", longest <= REFUSED_AT_MOST_MS);
  check("every client heard every publication once and in order", wrong === 0);
  check("the policy turned round at most twice", turns <= 2);
}

function createGuest(n: number): Guest {
  const key = `guest-${n}`;
  class Observed extends WebSocket {
    constructor(address: string, protocols?: string | string[]) {
      super(address, protocols);
      this.on("error", ({ message }) => {
        if (message.includes("503") && guest.refusedAt === 0) guest.refusedAt = performance.now();
      });
    }
  }
  const address = `${server.url.replace("http", "ws")}/connection/websocket?key=${key}`;
  const client = new Centrifuge(address, { websocket: Observed, maxReconnectDelay: 2_000, timeout: 30_000 });
  const guest: Guest = { client, heard: [], refusedAt: 0, longestRefusedMs: 0 };
  client.on("connected", () => {
    if (guest.refusedAt > 0)
      guest.longestRefusedMs = Math.max(guest.longestRefusedMs, performance.now() - guest.refusedAt);
    guest.refusedAt = 0;
  });
  const subscription = client.newSubscription(CHANNEL);
  subscription.on("publication", ({ data }) => void guest.heard.push(data as number));
  subscription.subscribe();
  client.connect();
  return guest;
}

/** From its first publication on a guest hears all of them, as long as it stays. */
function isComplete(heard: readonly number[]): boolean {
  const from = published.indexOf(heard[0] ?? -1);
  return heard.every((n, at) => published[from + at] === n);
}

async function publish(signal: AbortSignal): Promise<void> {
  for (let n = 1; !signal.aborted; n++) {
    const { result } = (await call("POST", "/api/publish", {
      channel: CHANNEL,
      data: n,
      idempotency_key: `n${n}`,
    })) as {
      result?: object;
    };
    if (result !== undefined) published.push(n);
    await sleep(STREAM_PAUSE_MS);
  }
}

/** The newest shard of each addition crashes two seconds after it has joined. Answers how often. */
async function crashNewest(signal: AbortSignal): Promise<number> {
  const crashed = new Set<string>();
  let known = (await scale()).shards.length;
  while (!signal.aborted) {
    const { shards } = await scale();
    const newest = shards.at(-1);
    if (shards.length > known && newest !== undefined && !crashed.has(newest.id)) {
      crashed.add(newest.id);
      await sleep(2_000);
      await call("POST", `/admin/api/shards/${newest.id}/crash`);
    }
    known = shards.length;
    await sleep(200);
  }
  return crashed.size;
}

async function scale(): Promise<ScaleReport> {
  return (await call("GET", "/admin/api/scale")) as ScaleReport;
}

function largest(load: ScaleReport["shards"][number]["load"]): number {
  return load === null ? 1 : Math.max(...Object.values(load.parts));
}

async function call(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { "x-api-key": API_KEY, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return response.json();
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const started = performance.now();
  while (!(await isSo())) {
    if (performance.now() - started > 600_000) throw new Error(`not ${what} after ten minutes`);
    await progress(what);
    await sleep(1_000);
  }
  console.log(`${what} after ${Math.round((performance.now() - started) / 1_000)} s`);
}

async function progress(what: string): Promise<void> {
  const { shards, last } = await scale();
  const connected = guests.filter(({ client }) => client.state === "connected").length;
  const state = `${shards.length} shards; ${last?.kind ?? ""} ${last?.reason ?? ""}`;
  if (state !== shown) console.log(`  ${what}: ${connected} connected, ${state}`);
  shown = state;
}

function check(what: string, holds: boolean): void {
  console.log(`${holds ? "✓" : "✗"} ${what}`);
  if (!holds) problems += 1;
}
