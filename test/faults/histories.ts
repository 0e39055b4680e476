import { availableParallelism } from "node:os";
import { inThreads, type Histories } from "../sim/histories.ts";
import { runBatch } from "./batch.ts";
import { isSame, readCode, type Code } from "./code.ts";
import type { Gate } from "./gate.ts";
import { freeSeeds, type Run } from "./record.ts";
import type { Store } from "./store.ts";

/**
 * The kinds of histories, each with seeds of its own. One batch in `oneIn` is of a kind; the first kind has the others.
 * A history of the first kind draws its releases and its traits from its seed.
 */
export const KINDS = [
  { options: "--steps 60", firstSeed: 10_000_001, oneIn: 1 },
  // No history has one of these traits unless it is asked for. Release 0.2.0 has no Socket.IO and no such orders, believes
  // what it could not store, and is known to repeat and to skip publications where calls are very late.
  { options: "--steps 60 --releases none --traits socketio", firstSeed: 2_100_000_001, oneIn: 5 },
  { options: "--steps 60 --releases none --traits orders", firstSeed: 2_200_000_001, oneIn: 5 },
  { options: "--steps 60 --releases none --traits failedWrites", firstSeed: 2_300_000_001, oneIn: 5 },
  { options: "--steps 60 --releases none --traits lateCalls", firstSeed: 2_000_000_001, oneIn: 10 },
] as const;
/** A batch is some histories, and later about so long. */
const BATCH = { first: 5, most: 1_000, ms: 5_000 };

/** Runs histories on every core until `isOver`, or until the code has changed; keeps each batch. */
export async function runHistories(parts: {
  readonly root: string;
  readonly code: Code;
  readonly store: Store;
  readonly gate: Gate;
  readonly isOver: () => boolean;
}): Promise<void> {
  const { root, code, store, gate, isOver } = parts;
  const histories = inThreads(availableParallelism(), { plant: undefined, isCovered: false });
  const run: Histories["run"] = async (job) => {
    await gate.opened();
    return histories.run(job);
  };
  const running: Run[] = [];
  let batches = 0;
  const runBatches = async (): Promise<void> => {
    let size = BATCH.first;
    do {
      await gate.opened();
      batches += 1;
      const kind = KINDS.findLast(({ oneIn }) => batches % oneIn === 0) ?? KINDS[0];
      const { options } = kind;
      const taken = [...store.record, ...running].filter(({ part }) => part === "simulator");
      const seeds = freeSeeds(taken, { first: kind.firstSeed, count: size });
      const started = Date.now();
      const began = new Date(started).toISOString();
      const row: Run = {
        part: "simulator",
        options,
        seeds,
        ...code,
        began,
        seconds: 0,
        counts: {},
        faults: {},
        violations: [],
      };
      running.push(row);
      const done = await runBatch({ run }, { seeds, options, stopsAtFirst: false });
      running.splice(running.indexOf(row), 1);
      const tookMs = Date.now() - started;
      size = Math.round(Math.min(BATCH.most, Math.max(BATCH.first, (seeds.count * BATCH.ms) / tookMs)));
      // Nobody knows which code the batch has run.
      if (!isSame(code, readCode(root))) return;
      store.add({ ...row, ...done, seconds: Math.round(tookMs / 1_000) });
      for (const { seed, what } of done.violations)
        console.log(`seed ${seed} broke a law: ${what.join("; ")}`);
    } while (!isOver());
  };
  try {
    await Promise.all(Array.from({ length: histories.width }, () => runBatches()));
  } finally {
    await histories.close();
  }
}
