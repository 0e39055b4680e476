import { parseArgs } from "node:util";
import type { HistoryOptions } from "../sim/history.ts";
import { ROLLOUT_KINDS } from "../sim/rollout.ts";
import { TRAITS } from "../sim/traits.ts";
import type { Run } from "./record.ts";

/** What a process of the simulator is asked for. `options` are those of `npm run sim`, without seeds. */
export type Batch = Pick<Run, "seeds" | "options"> & { readonly stopsAtFirst: boolean };
export type BatchDone = Pick<Run, "counts" | "faults" | "violations">;

export type Shape = Pick<HistoryOptions, "releases" | "traits"> & { readonly steps: number };

/** Reads the options as `npm run sim` does. Throws where it would refuse them. */
export function parseShape(options: string): Shape {
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
