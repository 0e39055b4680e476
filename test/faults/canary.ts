import { isSimulated, PLANTS, type Plant } from "../sim/plants.ts";
import { inThreads } from "../sim/histories.ts";
import { runBatch } from "./batch.ts";
import type { Code } from "./code.ts";
import type { Canary, Slip } from "./report.ts";

/** A canary MUST be found within so many histories. Each slip that can be one is found by one history in 100 or more. */
export const WITHIN = 2_000;
const BATCH = 25;
/** Apart from all other seeds, so that a canary takes none of them. */
const FIRST_SEED = 3_000_000_001;
const SEEDS = 1_000_000_000;

/** The slips that histories of the most frequent kind find soon, but not at once. */
export const CANARIES = Object.entries(PLANTS)
  .filter(([, plant]) => isSimulated(plant) && plant.seed > 10 && plant.isRare !== true)
  .filter(([, { traits, releases }]) => traits === undefined && releases === undefined)
  .map(([name]) => name);

/**
 * Runs histories of a build that has a slip, in a thread like those of all others. The history that finds it MUST pass
 * without the slip. `turn` chooses the seeds, and the slip where none is named.
 */
export async function runCanary(parts: {
  readonly code: Code;
  readonly turn: number;
  readonly plant?: string | undefined;
  readonly within: number;
}): Promise<Canary> {
  const { code, turn, within } = parts;
  const plant = parts.plant ?? CANARIES[turn % CANARIES.length] ?? "";
  const options = optionsOf(PLANTS[plant], { steps: 60 });
  const mixed = Number.parseInt(code.commit.slice(0, 8), 16) + turn * WITHIN;
  const from = FIRST_SEED + (mixed % SEEDS);
  const canary = { plant, options, from, within };
  const planted = inThreads(1, { plant, isCovered: false });
  const sound = inThreads(1, { plant: undefined, isCovered: false });
  try {
    for (let seed = from; seed < from + within; seed += BATCH) {
      const seeds = { from: seed, count: Math.min(BATCH, from + within - seed) };
      const { violations } = await runBatch(planted, { seeds, options, stopsAtFirst: true });
      const [violation] = violations;
      if (violation === undefined) continue;
      const alone = { from: violation.seed, count: 1 };
      const without = await runBatch(sound, { seeds: alone, options, stopsAtFirst: true });
      if (without.violations.length === 0)
        return { ...canary, foundAt: violation.seed, broke: violation.what[0] };
    }
    return canary;
  } finally {
    await planted.close();
    await sound.close();
  }
}

export const readSlips = (): Slip[] =>
  Object.entries(PLANTS).map(([name, plant]) => {
    const { law, seed, foundBy } = plant;
    const where = seed === undefined ? {} : { seed };
    const options = optionsOf(plant, { steps: 40 });
    return { name, law, ...where, options, ...(foundBy === undefined ? {} : { foundBy }) };
  });

/** The histories that can find a slip, as options of `npm run sim`. */
function optionsOf(plant: Plant | undefined, { steps }: { readonly steps: number }): string {
  const { releases = "none", traits } = plant ?? {};
  return `--steps ${steps} --releases ${releases}${traits === undefined ? "" : ` --traits ${traits}`}`;
}
