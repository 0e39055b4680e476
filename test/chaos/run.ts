/**
 * Breaks a running cluster in every way that we know, while stock clients publish and listen. Then it checks whether
 * an acknowledged publication was lost, repeated or put out of order. The exit status is 1 if a law was broken.
 */
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { BROADCAST, LARGE, SHORT_KEEPS, smallChannels } from "./channels.ts";
import { connect } from "./connect.ts";
import { Crowd } from "./crowd.ts";
import { breakThings } from "./faults.ts";
import { Listeners } from "./listeners.ts";
import { readLogs } from "./logs.ts";
import { Publishers } from "./publishers.ts";
import { mulberry32 } from "./random.ts";
import { Returning } from "./returning.ts";
import { report } from "./report.ts";
import { Server } from "./server.ts";
import { Strangers } from "./strangers.ts";
import { Witness } from "./witness.ts";

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "60" },
    channels: { type: "string", default: "10" },
    publishers: { type: "string", default: "6" },
    "back-ends": { type: "string", default: "2" },
    seconds: { type: "string", default: "60" },
    faults: { type: "string", default: "40" },
    pause: { type: "string", default: "100" },
    batch: { type: "string", default: "1" },
    kills: { type: "string", default: "1" },
    "at-once": { type: "string", default: "1" },
    sockets: { type: "string", default: "15" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    /** A file that gets what the run has seen, as JSON. */
    record: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(
    "npm run chaos -- [--clients 60] [--channels 10] [--publishers 6] [--back-ends 2] [--seconds 60] [--pause 100 ms] [--batch 1] [--faults 40] [--kills 1] [--at-once 1] [--sockets 15] [--seed N]",
  );
  process.exit(0);
}
const CLIENTS = numberOf("clients");
const CHANNELS = numberOf("channels");
const PUBLISHERS = numberOf("publishers");
const BACK_ENDS = numberOf("back-ends");
const BATCH = numberOf("batch");
const SOCKETS = numberOf("sockets");
const SECONDS = numberOf("seconds");
const PAUSE_MS = numberOf("pause");
const FAULTS = numberOf("faults");
const KILLS = numberOf("kills");
const AT_ONCE = Math.max(1, numberOf("at-once"));
const SEED = numberOf("seed");
const apiKey = "an-api-key-for-chaos";

const random = mulberry32(SEED);
const small = smallChannels(CHANNELS);
const channels = [...small, LARGE];
const counts = new Map<string, number>();
const count = (event: string) => counts.set(event, (counts.get(event) ?? 0) + 1);

console.log(
  `Chaos: seed ${SEED}, ${CLIENTS} clients, ${CHANNELS} channels, ${PUBLISHERS} publishers, ${SECONDS} s, ${FAULTS} faults and ${KILLS} kills of the server.`,
);
const server = await Server.start({
  API_KEY: apiKey,
  READ_KEY: "a-read-key-for-chaos",
  TOKEN_HMAC_SECRET: "a-secret-of-32-bytes-for-the-chaos-run",
  RINGCAST: {
    development: true,
    insecure: true,
    anonymous: true,
    limits: { recoveryMaxPublications: 10_000, historyMaxPublications: 10_000, sessionsPerShard: 100 },
    // Minutes become seconds, so that the ring also moves by itself.
    times: { healthReportMs: 2_000 },
    scale: { min: 2, lowForMs: 4_000, settleMs: 5_000, youngMs: 2_000, lastMovesMs: 4_000 },
    broadcast: { historySize: 10_000 },
    socketio: { connectionStateRecovery: true },
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
// The server has a process group of its own, and would stay.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    server.stop();
    process.exit(2);
  });
}
let failed = 0;
try {
  const publishers = new Publishers({
    server,
    apiKey,
    small,
    random,
    pauseMs: PAUSE_MS,
    backEnds: BACK_ENDS,
    batch: BATCH,
    count,
  });
  const { acknowledgedAt } = publishers;
  const listeners = new Listeners(server, { clients: CLIENTS, small, acknowledgedAt });
  const returning = new Returning(server, { apiKey, clients: SOCKETS });
  await until("all clients are connected", 60_000, () => listeners.areConnected && returning.areConnected);
  publishers.start(PUBLISHERS);
  returning.start(PAUSE_MS);
  const witness = new Witness(connect(server, "witness"));
  const watching = witness.watch(() => publishers.isOn);
  const strangers = new Strangers(() => new URL(server.url));
  const crowd = new Crowd(server, small);
  await breakThings({
    server,
    apiKey,
    listeners,
    publishers,
    returning,
    strangers,
    crowd,
    channels,
    random,
    count,
    seconds: SECONDS,
    faults: FAULTS,
    kills: KILLS,
    atOnce: AT_ONCE,
  });
  strangers.leave();
  crowd.leave();
  await Promise.all([publishers.stop(), returning.stop(), watching]);
  console.log("The faults are over. The run waits until every client has heard every publication.");
  // This is the last publication in each channel: repeated deliveries come before it.
  for (const channel of [...channels, BROADCAST]) await publishers.publishOne(channel, `last-${channel}`);
  const logs = await readLogs(server, { apiKey, channels, listeners });
  await until("all clients have heard the whole log", 60_000, () => listeners.behind(logs) === 0).catch(
    () => undefined,
  );
  await until("all sockets have heard the last event", 60_000, () => returning.behind === 0).catch(
    () => undefined,
  );
  const outcome = report({ logs, channels, listeners, returning, publishers, witness, counts, seed: SEED });
  if (values.record !== undefined) writeFileSync(values.record, JSON.stringify(outcome));
  failed = outcome.problems.length;
  for (const line of await returning.explain()) console.error(line);
  returning.leave();
} finally {
  server.stop();
}
process.exit(failed > 0 ? 1 : 0);

/** The number of an option; ends the run where it is none. */
function numberOf(name: keyof typeof values): number {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number >= 0) return number;
  console.error(`--${name} is a whole number, and not ${String(values[name])}`);
  process.exit(2);
}

async function until(condition: string, forMs: number, probe: () => boolean): Promise<void> {
  const end = Date.now() + forMs;
  while (!probe()) {
    if (Date.now() > end) throw new Error(`this condition has stayed false: ${condition}`);
    await sleep(50);
  }
}
