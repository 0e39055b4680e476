/**
 * The cost of one client that floods to the others: the round trips of a witness on the same shard, without a flood and
 * beside each kind of it. `node bench/flood.ts [seconds]`; workerd runs alone, without wrangler before it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { RawClient } from "../test/support/raw-client.ts";
import { DeafPeer } from "../test/support/deaf-peer.ts";
import { quantile } from "./lib/stats.ts";
import { bundle, startWorkerd, type WorkerSpec } from "./lib/workerd.ts";

const seconds = Number(process.argv[2] ?? 10);
const PORT = 9_680;
const endpoint = `ws://127.0.0.1:${PORT}/connection/websocket?key=place`;

const spec: WorkerSpec = {
  source: "ringcast",
  classes: { SHARD: "Shard", CHANNEL: "Channel", COORDINATOR: "Coordinator" },
  bindings: {
    API_KEY: "an-api-key-for-benchmarks",
    READ_KEY: "a-read-key-for-benchmarks",
    TOKEN_HMAC_SECRET: "a-secret-of-32-bytes-for-benchmarks",
    RINGCAST: { shards: { initial: 1 }, insecure: true, anonymous: true },
  },
};

type Flood = { readonly frame: string; readonly ignoring: boolean; readonly until: number };

/** A client that sends as fast as this machine can, and comes back when it is closed; or that ignores the close. */
async function flood({ frame, ignoring, until }: Flood): Promise<number> {
  let sent = 0;
  const isOn = ({ closeCode }: DeafPeer) => Date.now() < until && (ignoring || closeCode === undefined);
  while (Date.now() < until) {
    const opened = await DeafPeer.open(endpoint).catch(() => undefined);
    if (opened === undefined) {
      await sleep(100);
      continue;
    }
    const { peer } = opened;
    peer.send('{"id":1,"connect":{}}');
    while (isOn(peer)) {
      for (let n = 0; n < 100; n++) peer.send(frame);
      sent += 100;
      await peer.drained();
    }
    peer.vanish();
  }
  return sent;
}

async function witness(until: number): Promise<number[]> {
  const client = await RawClient.connect(endpoint);
  client.answersPings = true;
  const tripsMs: number[] = [];
  for (let id = 2; Date.now() < until; id++) {
    const start = performance.now();
    await client.ask({ id, rpc: {} });
    tripsMs.push(performance.now() - start);
    await sleep(20);
  }
  client.close();
  return tripsMs;
}

/** In a thread of its own, so that the witness does not wait for its own process. */
const floodElsewhere = (workerData: Flood): Promise<number> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(import.meta.filename, { workerData });
    worker.once("message", resolve);
    worker.once("error", reject);
  });

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "ringcast-flood-"));
  const file = await bundle(spec, directory);
  const server = startWorkerd(spec, { directory, file, port: PORT, inspectorPort: PORT + 1 });
  try {
    for (let n = 0; n < 100; n++) {
      await sleep(100);
      if (
        await RawClient.connect(endpoint).then(
          (client) => (client.close(), true),
          () => false,
        )
      )
        break;
    }
    const rows: [string, string | undefined, boolean][] = [
      ["no flood", undefined, false],
      ["empty frames, coming back", "{} ", false],
      ["empty frames, ignoring the close", "{} ", true],
      ["commands, coming back", '{"id":2,"rpc":{}}', false],
      ["commands, ignoring the close", '{"id":2,"rpc":{}}', true],
      [
        "60 KB frames, ignoring the close",
        JSON.stringify({ id: 2, rpc: { data: "x".repeat(60_000) } }),
        true,
      ],
    ];
    for (const [name, frame, ignoring] of rows) {
      const until = Date.now() + seconds * 1_000;
      const [trips, sent] = await Promise.all([
        witness(until),
        frame === undefined ? 0 : floodElsewhere({ frame, ignoring, until }),
      ]);
      const sorted = trips.toSorted((a, b) => a - b);
      const at = (part: number) => quantile(sorted, part).toFixed(1);
      console.log(
        `${name}: ${Math.round(sent / seconds)} frames/s; witness p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms of ${trips.length}`,
      );
    }
  } finally {
    server.kill();
    rmSync(directory, { recursive: true });
  }
}

if (isMainThread) await main();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
else parentPort?.postMessage(await flood(workerData as Flood));
