import type { Result } from "../lib/report.ts";
import type { Costs } from "./model.ts";

/** The number of listeners in the benchmark's broadcast. */
const BROADCAST_TO = 4_000;

/** The costs of the model, from the results of `npm run bench -- --record` (results.json). */
export function costsOf(results: Readonly<Record<string, Result>>): Costs {
  const of = (name: string, row: string, metric: string): number => {
    const value = results[name]?.rows[row]?.[metric]?.median;
    if (value === undefined) throw new Error(`the results have no ${metric} of ${row} in ${name}`);
    return value;
  };
  const publishMs = of("direct", "Ringcast", "p50 ms");
  const direct = results["direct"];
  return {
    date: direct?.date.slice(0, 10) ?? "",
    machine: direct?.machine.split(";")[0] ?? "",
    publishMs,
    deliverMs: (of("broadcast", "Ringcast", "last ms") - publishMs) / BROADCAST_TO,
    sendMs: of("broadcast", "Ringcast", "in the object ms") / BROADCAST_TO,
    // A message makes two calls more than with the bare object: to the channel, and from there to the shard.
    callMs: (publishMs - of("direct", "bare", "p50 ms")) / 2,
    routerCpuMs: Math.max(
      0,
      of("router", "Ringcast", "connect ms") - of("router", "Ringcast, no router", "connect ms"),
    ),
    connectsPerSecond: of("connect", "Ringcast", "connects/s"),
  };
}
