/** A process that runs histories for its parent, one batch after the other. Its argument names a plant, if any. */
import { on } from "node:events";
import { PLANTS } from "../sim/plants.ts";
import { register } from "../sim/register.ts";
import { parseShape, type Batch, type BatchDone } from "./batch.ts";
import type { Outcome } from "../sim/history.ts";
import { sumOf, type Counts, type Violation } from "./record.ts";

const [plantName] = process.argv.slice(2);
const plant = plantName === undefined ? undefined : PLANTS[plantName];
if (plantName !== undefined && plant === undefined) throw new Error(`there is no plant ${plantName}`);
const planted = register(plant);
const { runHistory } = await import("../sim/history.ts");
if (!planted.loaded()) throw new Error("the simulator does not run the file that the plant changes");

process.on("disconnect", () => process.exit(0));
process.send?.({ ready: true });
for await (const [batch] of on(process, "message")) process.send?.(await runBatch(batch as Batch));

async function runBatch({ seeds, options, stopsAtFirst }: Batch): Promise<BatchDone> {
  const { steps, ...shape } = parseShape(options);
  const counts: Counts[] = [];
  const faults: Counts[] = [];
  const violations: Violation[] = [];
  for (let seed = seeds.from; seed < seeds.from + seeds.count; seed++) {
    let outcome: Outcome;
    try {
      outcome = await runHistory(seed, steps, { trace: false, ...shape });
    } catch (error) {
      violations.push({ seed, what: [`the history ended with an error: ${String(error)}`] });
      if (stopsAtFirst) break;
      continue;
    }
    counts.push({
      events: outcome.events,
      "publications acknowledged": outcome.acknowledged,
      deliveries: outcome.deliveries,
      "calls between two releases": outcome.callsBetweenReleases,
      [`releases: ${outcome.releases}`]: 1,
      ...Object.fromEntries(outcome.traits.map((trait) => [`trait: ${trait}`, 1])),
      ...Object.fromEntries(outcome.scaled.map((kind) => [`the policy's own change: ${kind}`, 1])),
    });
    faults.push(Object.fromEntries(outcome.faults));
    if (outcome.violations.length === 0) continue;
    violations.push({ seed, what: outcome.violations });
    if (stopsAtFirst) break;
  }
  return { counts: sumOf(counts), faults: sumOf(faults), violations };
}
