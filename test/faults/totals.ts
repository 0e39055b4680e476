import { distinctSeeds, sumOf, type Counts, type Run } from "./record.ts";

/** A fault that was found since the last release, and is mended. */
export type Found = {
  readonly law: string;
  readonly what: string;
  /** The part that found it, or `reading` where a person did. */
  readonly by: "simulator" | "chaos" | "reading";
  readonly seed?: number;
  /** The other options of the command that shows it, and the commit at which it does. */
  readonly options?: string;
  readonly at?: string;
  readonly fixed: string;
  /** The fault was in the tests, and `src/` kept its laws. */
  readonly inTests?: true;
};

export type Total = {
  readonly runs: number;
  readonly counts: Counts;
  readonly faults: Counts;
};

/** The runs of one commit, or of one tree of `src/`. */
export type Group = Total & { readonly key: string; readonly rows: readonly Run[] };

/**
 * Why a run does not count, or undefined where it counts. A commit in which a law broke leaves the total, and so does
 * every commit with the same tree, unless the fault was in the tests.
 */
export function reasonAgainst(
  run: Pick<Run, "isClean" | "commit" | "srcTree" | "violations">,
  { record, found }: { readonly record: readonly Run[]; readonly found: readonly Found[] },
): string | undefined {
  if (!run.isClean) return "files had changed since the commit";
  if (run.violations.length > 0) return "it broke a law";
  for (const other of record) {
    if (other.violations.length === 0) continue;
    if (other.commit === run.commit) return "another run of the commit broke a law";
    const inTests = other.violations.every(({ seed }) =>
      found.some((one) => one.inTests === true && one.by === other.part && one.seed === seed),
    );
    if (other.srcTree === run.srcTree && !inTests) return "a run of the same tree broke a law";
  }
  return undefined;
}

export const totalOf = (runs: readonly Run[]): Total => ({
  runs: distinctSeeds(runs),
  counts: sumOf(runs.map(({ counts }) => counts)),
  faults: sumOf(runs.map(({ faults }) => faults)),
});

/** The runs by commit or by tree, in the order in which each began. */
export function groupsBy(runs: readonly Run[], keyOf: (run: Run) => string): Group[] {
  const byTime = runs.toSorted((a, b) => a.began.localeCompare(b.began));
  return [...Map.groupBy(byTime, keyOf)].map(([key, rows]) => ({ key, rows, ...totalOf(rows) }));
}
