import type { Result } from "./report.ts";

/** A figure this much worse than on record is a loss. */
const WORSE_BY = 0.1;
/** Rows of other software. Where it becomes slower beside the bare object, nothing of ours is worse. */
const PEERS = /^(bare|PartyServer|Socket\.IO|ws|hashring)/;

/** One figure of a row beside the recorded one. `times`: how many times as bad as on record; 1 is the same. */
export type Loss = {
  readonly name: string;
  readonly row: string;
  readonly metric: string;
  readonly recorded: number;
  readonly now: number;
  readonly times: number;
};

/** The machine of a result, without the versions of the packages, which may be what a run is to compare. */
export const machineOf = ({ machine }: Result): string => machine.split(";")[0] ?? machine;

/** A rate or a count is better when it is larger; times and bytes are better when they are smaller. */
export const largerIsBetter = (metric: string): boolean => metric.endsWith("/s") || metric === "sessions";

/**
 * The figures that are worse than on record: the median by more than a tenth, and by more than the worst round on
 * record (SPEC SP2).
 *
 * The figure of a row is its ratio to the first row of the same round, which takes the speed of the machine out of it.
 * The figures of a case with one row are compared as they are.
 */
export function findLosses(name: string, recorded: Result, now: Result): Loss[] {
  const [base] = Object.keys(recorded.rows);
  const isAlone = Object.keys(recorded.rows).length === 1;
  return Object.entries(recorded.rows).flatMap(([row, metrics]) =>
    Object.entries(metrics).flatMap(([metric, before]) => {
      const after = now.rows[row]?.[metric];
      if (after === undefined || PEERS.test(row) || (row === base && !isAlone)) return [];
      const [was, is] =
        isAlone || !Number.isFinite(before.ratio.median) ? [before, after] : [before.ratio, after.ratio];
      const larger = largerIsBetter(metric);
      const times = larger ? was.median / is.median : is.median / was.median;
      const isBeyond = larger ? is.median < was.least : is.median > was.most;
      if (!(times > 1 + WORSE_BY) || !isBeyond) return [];
      return [{ name, row, metric, recorded: was.median, now: is.median, times }];
    }),
  );
}
