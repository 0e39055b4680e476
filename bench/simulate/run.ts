/** `npm run simulate` estimates a cluster larger than this machine from the results of the benchmark. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { Result } from "../lib/report.ts";
import { ITEM_NAMES, PRICES } from "../../src/elastic/prices.ts";
import { runAutoscale } from "./autoscale.ts";
import { costsOf } from "./costs.ts";
import { CURVES } from "./curves.ts";
import { simulate, type Load } from "./model.ts";
import { measureReality } from "./reality.ts";

type Options = Omit<Load, "publicationsPerSecond" | "connectsADay" | "framesAnHour" | "roundTripMs"> & {
  readonly publications: number;
  readonly connects: number;
  readonly frames: number;
  readonly roundTrip: number;
  readonly check?: true;
  readonly autoscale?: true;
  readonly curve: string;
  readonly svg?: string;
};

/** Reads a number from `least` on. A table of NaN would say nothing (SPEC FH7). */
const from =
  (least: number, { whole }: { readonly whole: boolean }) =>
  (text: string): number => {
    const number = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isFinite(number) || number < least || (whole && !Number.isInteger(number)))
      throw new InvalidArgumentError(`It is a ${whole ? "whole " : ""}number, ${least} or more.`);
    return number;
  };
const count = from(1, { whole: true });
const amount = from(0, { whole: false });

const program = new Command("npm run simulate --")
  .description(
    "Estimates a large cluster from the results of the benchmark; with --autoscale runs the scaling policy and the ring in virtual time against a curve of load.",
  )
  .option("--shards <count>", "", count, 100)
  .option("--clients <count>", "all of them; with --autoscale at the peak", count, 1_000_000)
  .option("--regions <count>", "", count, 1)
  .option("--publications <count>", "a second, each to all clients", amount, 1)
  .option("--connects <count>", "of each client, a day", amount, 4)
  .option("--frames <count>", "from each client, an hour", amount, 10)
  .option("--round-trip <ms>", "between objects: assumed", amount, 20)
  .option("--upgrades-per-second <count>", "of a shard: configured", count, 400)
  .option("--check", "measures small clusters on this machine, beside the model")
  .option("--autoscale", "the scaling policy against a curve of load")
  .addOption(new Option("--curve <name>").choices(Object.keys(CURVES)).default("day"))
  .option("--svg <file>", "draws the curve and the shards")
  .exitOverride();
try {
  program.parse();
} catch (error) {
  // Commander has printed its own message.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  throw error;
}
const options = program.opts<Options>();
if (options.autoscale) {
  runAutoscale({ name: options.curve, clients: options.clients, svg: options.svg });
  process.exit(0);
}
const results: Record<string, Result> = JSON.parse(
  readFileSync(join(import.meta.dirname, "../results.json"), "utf8"),
);
const costs = costsOf(results);
const load: Load = {
  shards: options.shards,
  clients: options.clients,
  regions: options.regions,
  publicationsPerSecond: options.publications,
  connectsADay: options.connects,
  framesAnHour: options.frames,
  roundTripMs: options.roundTrip,
  upgradesPerSecond: options.upgradesPerSecond,
};
const round = (value: number, digits = 0): string =>
  value.toLocaleString("en", { maximumFractionDigits: digits });

if (options.check) await check();
else print();
process.exit(0);

function print(): void {
  const result = simulate(load, costs);
  console.log(
    `Costs measured ${costs.date} (${costs.machine}); ${load.roundTripMs} ms between objects is assumed.`,
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
  console.log(
    `Dollars a month, by Cloudflare's list of ${PRICES.date}, for ${round(load.clients)} clients that are always connected, on ${round(load.shards)} shards. Each connects ${round(load.connectsADay, 2)} times a day and sends ${round(load.framesAnHour, 2)} frames an hour; ${round(load.publicationsPerSecond, 2)} publication${load.publicationsPerSecond === 1 ? "" : "s"} a second ${load.publicationsPerSecond === 1 ? "goes" : "go"} to all of them.`,
  );
  console.table(
    Object.fromEntries(
      Object.entries(ITEM_NAMES).map(([item, name]) => [
        name,
        round(result.dollarsAMonth[item as keyof typeof ITEM_NAMES], 2),
      ]),
    ),
  );
  console.log(
    `Answers to pings are taken as free, as the platform's list has it (docs/operate/cost.md). Counted as frames they would be $${round(result.dollarsOfPongs, 2)} more.`,
  );
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
