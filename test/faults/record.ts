/** The record of what has been tried. This module is pure: it knows no file, no clock and no process. */

/** The names of two counts. */
export const ACKNOWLEDGED = "publications acknowledged";
export const WITHOUT_VERDICT = "runs without a verdict";

/** A law that broke, and the seed that shows it. */
export type Violation = { readonly seed: number; readonly what: readonly string[] };

/** A number for each name, for example how often each kind of fault came. */
export type Counts = Readonly<Record<string, number>>;

/** One row of the record: runs of one part, with the same code and the same options. */
export type Run = {
  readonly part: "simulator" | "chaos";
  /** The options of the command that repeats the run, without its seed. */
  readonly options: string;
  /** The first seed, and how many follow each other. */
  readonly seeds: { readonly from: number; readonly count: number };
  readonly commit: string;
  /** The hash of what a cluster runs of `src/` at that commit; in rows of commits before b753cad of all of `src/`. */
  readonly srcTree: string;
  /** Whether the files that ran are those of the commit. */
  readonly isClean: boolean;
  readonly versions: Readonly<Record<string, string>>;
  /** When the first of the runs began (ISO 8601), and how long all of them took. */
  readonly began: string;
  readonly seconds: number;
  readonly counts: Counts;
  readonly faults: Counts;
  readonly violations: readonly Violation[];
};

/**
 * The record with one more run. Runs of the simulator whose seeds follow each other become one row, so that a million
 * histories stay a small file. A run on a server keeps its row.
 */
export function withRun(record: readonly Run[], run: Run): Run[] {
  const rows = [...record, run].toSorted(
    (a, b) => a.part.localeCompare(b.part) || a.seeds.from - b.seeds.from,
  );
  return rows.reduce<Run[]>((merged, next) => {
    const last = merged.at(-1);
    if (last !== undefined && follows(last, next)) merged.splice(-1, 1, joined(last, next));
    else merged.push(next);
    return merged;
  }, []);
}

/** The first `count` or fewer seeds from `first` on that no run of the record has had. */
export function freeSeeds(
  record: readonly Run[],
  { first, count }: { readonly first: number; readonly count: number },
): Run["seeds"] {
  let from = first;
  for (const { seeds } of record.toSorted((a, b) => a.seeds.from - b.seeds.from)) {
    if (seeds.from + seeds.count <= from) continue;
    if (seeds.from > from) return { from, count: Math.min(count, seeds.from - from) };
    from = seeds.from + seeds.count;
  }
  return { from, count };
}

/** How many different seeds some runs have had: a seed that ran twice counts once. */
export function distinctSeeds(runs: readonly Run[]): number {
  let total = 0;
  let until = -Infinity;
  for (const { from, count } of runs.map(({ seeds }) => seeds).toSorted((a, b) => a.from - b.from)) {
    total += Math.max(0, from + count - Math.max(from, until));
    until = Math.max(until, from + count);
  }
  return total;
}

export function sumOf(all: readonly Counts[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of all)
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  return Object.fromEntries(Object.entries(sum).toSorted(([a], [b]) => a.localeCompare(b)));
}

function follows(last: Run, next: Run): boolean {
  return (
    last.part === "simulator" &&
    last.seeds.from + last.seeds.count === next.seeds.from &&
    codeOf(last) === codeOf(next)
  );
}

const codeOf = ({ part, options, commit, srcTree, isClean, versions }: Run): string =>
  JSON.stringify([part, options, commit, srcTree, isClean, Object.entries(versions).toSorted()]);

const joined = (last: Run, next: Run): Run => ({
  ...last,
  seeds: { from: last.seeds.from, count: last.seeds.count + next.seeds.count },
  began: last.began < next.began ? last.began : next.began,
  seconds: last.seconds + next.seconds,
  counts: sumOf([last.counts, next.counts]),
  faults: sumOf([last.faults, next.faults]),
  violations: [...last.violations, ...next.violations],
});
