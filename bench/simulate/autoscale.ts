/** `npm run simulate -- --autoscale`: the shipped policy and ring in virtual time, against a curve of load. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { clusterSchema } from "../../src/config/cluster.ts";
import { REGION_MIN, REGIONS } from "../../src/config/regions.ts";
import type { ScalePolicy } from "../../src/elastic/policy.ts";
import { GB_OF_AN_OBJECT, PRICES } from "../../src/elastic/prices.ts";
import { CURVES } from "./curves.ts";
import { draw } from "./drawing.ts";
import { Plant, turns } from "./plant.ts";

const SAMPLES = 400;

export type AutoscaleOptions = {
  readonly name: string;
  /** The peak. */
  readonly clients: number;
  /** The file for the drawing. */
  readonly svg?: string | undefined;
};

export function runAutoscale({ name, clients, svg }: AutoscaleOptions): void {
  const scenario = CURVES[name];
  if (scenario === undefined) throw new Error(`--curve is one of ${Object.keys(CURVES).join(", ")}`);
  const { scale, limits, moves, times, shards } = clusterSchema.parse({ shards: { initial: 1 } });
  const policy: ScalePolicy = {
    ...scale,
    min: scale.min ?? shards.initial,
    // The simulation shows what a larger cluster would do.
    max: 1_000,
    reportMs: times.healthReportMs,
    // As in a cluster whose operator has given `scale.regionMin`.
    regionMin: REGION_MIN,
    opens: REGIONS,
  };
  const curve = scenario.curve(clients);
  const plant = new Plant({
    policy,
    curve,
    sessionsPerShard: limits.sessionsPerShard,
    upgradesPerSecond: limits.upgradesPerSecond,
    movesToOneShard: moves.perSecondToOneShard,
    movesFromOneShard: moves.perSecondFromOneShard,
    losses: scenario.losses,
  });
  const wanted: number[] = [];
  const size: number[] = [];
  let waitingSeconds = 0;
  for (let n = 0; n < SAMPLES; n++) {
    plant.run(scenario.seconds / SAMPLES);
    const now = Object.values(curve(plant.seconds)).reduce((sum, some) => sum + some, 0);
    wanted.push(now);
    size.push(plant.shards.length);
    waitingSeconds += (Math.max(0, now - plant.sessions) * scenario.seconds) / SAMPLES;
  }
  const peak = Math.max(...size);
  const hours = scenario.seconds / 3_600;
  const fixed = peak * scenario.seconds;
  const month = (30 * 86_400) / scenario.seconds;
  console.log(`${name}: ${scenario.about}; up to ${round(clients)} clients, ${hours} hours of virtual time.`);
  console.table({
    "shards, least to most": `${Math.min(...size)} to ${peak}`,
    "decisions, and changes of direction": `${plant.changes.length}, ${turns(plant.changes)}`,
    "connections that spilled": round(plant.spilled),
    "connections refused, each try counted": round(plant.refused),
    "sessions that moved": round(plant.moved),
    "mean wait of a client, seconds": round(waitingSeconds / clients, 1),
    "time of a shard above 90 %": `${round((plant.fullSeconds / plant.shardSeconds) * 100, 2)} %`,
    "shard hours, and with a fixed ring of the peak": `${round(plant.shardSeconds / 3_600)}, ${round(fixed / 3_600)}`,
    "dollars a month for awake shards, and fixed": `${round(dollars(plant.shardSeconds) * month)}, ${round(dollars(fixed) * month)}`,
  });
  for (const { seconds, decision, shards: now } of plant.changes.slice(0, 12))
    console.log(`  ${round(seconds / 3_600, 2)} h  ${decision.kind}, ${now} shards: ${decision.reason}`);
  if (plant.changes.length > 12) console.log(`  … and ${plant.changes.length - 12} more`);
  if (svg === undefined) return;
  mkdirSync(dirname(svg), { recursive: true });
  writeFileSync(
    svg,
    draw({
      title: `${name}: ${scenario.about}`,
      hours,
      left: { name: "clients", colour: "#5b616b", values: wanted },
      right: { name: "shards", colour: "#c2410c", values: size },
    }),
  );
  console.log(`Drawn: ${svg}`);
}

const round = (value: number, digits = 0): string =>
  value.toLocaleString("en", { maximumFractionDigits: digits });

const dollars = (seconds: number): number => seconds * GB_OF_AN_OBJECT * PRICES.objectGbSeconds.each;
