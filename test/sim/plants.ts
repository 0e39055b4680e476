import { FOUND_BY_HISTORIES } from "./plants/found-by-histories.ts";
import { FOUND_BY_TESTS } from "./plants/found-by-tests.ts";
import type { Plant } from "./plants/plant.ts";

export type { Plant } from "./plants/plant.ts";

/** Some remove code that the promises need, some take a mended fault back, and the others were real. */
export const PLANTS: Readonly<Record<string, Plant>> = { ...FOUND_BY_HISTORIES, ...FOUND_BY_TESTS };

/** Slips with the seed of a history that finds them, and slips with their test. */
export const isSimulated = (plant: Plant): plant is Plant & { readonly seed: number } =>
  plant.seed !== undefined;

/** Some of all: each has its turn, and a turn has the same ones each time. */
export const takeTurns = <T>(
  all: readonly T[],
  { turn, count }: { readonly turn: number; readonly count: number },
): T[] => Array.from({ length: Math.min(count, all.length) }, (_, n) => all[(turn + n) % all.length] as T);
