/** `npm run simulate` estimates a cluster larger than this machine from the results of the benchmark. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Result } from "../lib/report.ts";
import { PRICES } from "../../src/elastic/prices.ts";
import { runAutoscale } from "./autoscale.ts";
import { costsOf } from "./costs.ts";
import { simulate } from "./model.ts";
import { ELSEWHERE } from "./elsewhere.ts";
import { measureReality } from "./reality.ts";

const { values } = parseArgs({
  options: {
    shards: { type: "string", default: "100" },
    clients: { type: "string", default: "1000000" },
    regions: { type: "string", default: "1" },
    publications: { type: "string", default: "1" },
    connects: { type: "string", default: "4" },
    frames: { type: "string", default: "10" },
    "round-trip": { type: "string", default: "20" },
    "upgrades-per-second": { type: "string", default: "400" },
    check: { type: "boolean", default: false },
    autoscale: { type: "boolean", default: false },
    curve: { type: "string", default: "day" },
    svg: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`npm run simulate -- [--shards 100] [--clients 1000000] [--regions 1] [--publications 1 (a second, to all clients)]
  [--connects 4 (of each client, a day)] [--frames 10 (from each client, an hour)] [--round-trip 20 (ms between objects: assumed)]
  [--upgrades-per-second 400 (of a shard: configured)] [--check (measures small clusters on this machine, beside the model)]

npm run simulate -- --autoscale [--curve day|flash|storm|region] [--clients 1000000 (at the peak)] [--svg drawing.svg]
  The scaling policy and the ring in virtual time, against a curve of load.`);
  process.exit(0);
}
if (values.autoscale) {
  runAutoscale({ name: values.curve, clients: Number(values.clients), svg: values.svg });
  process.exit(0);
}
const results: Record<string, Result> = JSON.parse(
  readFileSync(join(import.meta.dirname, "../results.json"), "utf8"),
);
const costs = costsOf(results);
const load = {
  shards: Number(values.shards),
  clients: Number(values.clients),
  regions: Number(values.regions),
  publicationsPerSecond: Number(values.publications),
  connectsADay: Number(values.connects),
  framesAnHour: Number(values.frames),
  roundTripMs: Number(values["round-trip"]),
  upgradesPerSecond: Number(values["upgrades-per-second"]),
};
const round = (value: number, digits = 0): string =>
  value.toLocaleString("en", { maximumFractionDigits: digits });

if (values.check) await check();
else print();
process.exit(0);

function print(): void {
  const result = simulate(load, costs);
  console.log(
    `Costs measured ${costs.date} (${costs.machine}); prices of ${PRICES.date}; ${load.roundTripMs} ms between objects is assumed.`,
  );
  console.table({
    "a broadcast reaches the last client after": `${round(result.broadcastMs)} ms`,
    "calls to shards for each publication": round(result.calls),
    "depth of the tree": result.depth,
    "busiest shard": `${round(result.busiestShard.clients)} clients (×${result.busiestShard.beside.toFixed(2)} of the mean)`,
    "its thread is busy": `${round(result.busiestThread * 100, 1)} %`,
    "clients that move when a shard is added": round(result.movesOnAdd),
    "clients that move when one is drained": round(result.movesOnDrain),
    "all back after the busiest shard is lost": `${round(result.backAfterLossMs / 1_000, 1)} s`,
  });
  console.log("Dollars a month, by Cloudflare's list:");
  console.table(
    Object.fromEntries(
      Object.entries(result.dollarsAMonth).map(([what, dollars]) => [what, round(dollars, 2)]),
    ),
  );
  const { name, source, perMillionMessages, perThousandConnections } = ELSEWHERE;
  const messages = load.publicationsPerSecond * 30 * 86_400 * (1 + load.clients);
  const elsewhere = (messages / 1e6) * perMillionMessages + (load.clients / 1_000) * perThousandConnections;
  console.log(`The same at ${name}, by ${source}: $${round(elsewhere)}.`);
}

async function check(): Promise<void> {
  const rows: Record<string, object> = {};
  for (const [shards, clients] of [
    [1, 500],
    [1, 4_000],
    [4, 2_000],
    [4, 4_000],
  ] as const) {
    const real = await measureReality(shards, clients);
    const model = simulate({ ...load, shards, clients, regions: 1, roundTripMs: 0 }, costs);
    rows[`${shards} shards, ${clients} clients`] = {
      "last delivery, measured ms": round(real.lastMs, 1),
      // On this machine all shards share one process with one thread, so every listener waits for all others.
      "by the model, on one thread ms": round(
        model.broadcastMs + (clients - model.busiestShard.clients) * costs.deliverMs,
        1,
      ),
      "busiest shard, measured": real.busiest,
      "by the model": round(model.busiestShard.clients),
    };
  }
  console.log("The model, with no time between objects, beside this machine:");
  console.table(rows);
}
