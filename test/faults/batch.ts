import { parseArgs } from "node:util";
import type { Histories } from "../sim/histories.ts";
import type { HistoryOptions, Outcome } from "../sim/history.ts";
import { ROLLOUT_KINDS } from "../sim/rollout.ts";
import { TRAITS } from "../sim/traits.ts";
import { sumOf, type Counts, type Run, type Violation } from "./record.ts";

/** Some histories. `options` are those of `npm run sim`, without seeds. */
export type Batch = Pick<Run, "seeds" | "options"> & { readonly stopsAtFirst: boolean };
export type BatchDone = Pick<Run, "counts" | "faults" | "violations">;

/** Runs one history after the other. One that ends with an error has broken something too. */
export async function runBatch(
  histories: Pick<Histories, "run">,
  { seeds, options, stopsAtFirst }: Batch,
): Promise<BatchDone> {
  const { steps, ...shape } = parseShape(options);
  const counts: Counts[] = [];
  const faults: Counts[] = [];
  const violations: Violation[] = [];
  for (let seed = seeds.from; seed < seeds.from + seeds.count; seed++) {
    if (stopsAtFirst && violations.length > 0) break;
    try {
      const outcome = await histories.run({ seed, steps, options: { trace: false, ...shape } });
      counts.push(countsOf(outcome));
      faults.push(Object.fromEntries(outcome.faults));
      if (outcome.violations.length > 0) violations.push({ seed, what: outcome.violations });
    } catch (error) {
      violations.push({ seed, what: [`the history ended with an error: ${String(error)}`] });
    }
  }
  return { counts: sumOf(counts), faults: sumOf(faults), violations };
}

const countsOf = (outcome: Outcome): Counts => ({
  events: outcome.events,
  "publications acknowledged": outcome.acknowledged,
  deliveries: outcome.deliveries,
  "calls between two releases": outcome.callsBetweenReleases,
  [`releases: ${outcome.releases}`]: 1,
  ...Object.fromEntries(outcome.traits.map((trait) => [`trait: ${trait}`, 1])),
  ...sumOf(outcome.scaled.map((kind) => ({ [`the policy's own change: ${kind}`]: 1 }))),
});

type Shape = Pick<HistoryOptions, "releases" | "traits"> & { readonly steps: number };

/** Reads the options as `npm run sim` does. Throws where it would refuse them. */
function parseShape(options: string): Shape {
  const { values } = parseArgs({
    args: options.split(" "),
    options: {
      steps: { type: "string", default: "60" },
      releases: { type: "string" },
      traits: { type: "string" },
    },
  });
  return {
    steps: Number(values.steps),
    releases: values.releases === undefined ? undefined : known(values.releases, ROLLOUT_KINDS),
    traits: values.traits?.split(",").map((name) => known(name, TRAITS)),
  };
}

function known<Name extends string>(name: string, names: readonly Name[]): Name {
  const found = names.find((one) => one === name);
  if (found === undefined) throw new Error(`unknown: ${name}; known are ${names.join(", ")}`);
  return found;
}
