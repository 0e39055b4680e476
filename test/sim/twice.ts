import type { Job } from "./histories.ts";
import type { Outcome } from "./history.ts";

/** One in so many histories runs twice. */
const ONE_IN = 50;
/** So many other histories come between the two. */
const BETWEEN = 10;

/** A history of a run. `again`: it has run before. */
export type Planned = { readonly job: Job; readonly again: boolean };

/** The jobs in their order, and some of them twice, with a trace (SPEC SM1). */
export function* planTwice(jobs: Iterable<Job>): Generator<Planned> {
  const due: { readonly at: number; readonly job: Job }[] = [];
  let n = 0;
  for (const job of jobs) {
    const isTwice = n % ONE_IN === 0;
    const options = { ...job.options, trace: job.options.trace || isTwice };
    yield { job: { ...job, options }, again: false };
    if (isTwice) due.push({ at: n + BETWEEN, job: { ...job, options } });
    n += 1;
    if (due[0]?.at === n) yield* take(due);
  }
  while (due.length > 0) yield* take(due);
}

function* take(due: { readonly job: Job }[]): Generator<Planned> {
  const first = due.shift();
  if (first !== undefined) yield { job: first.job, again: true };
}

/** Compares the histories of a run that run twice. */
export class Twice {
  readonly #first = new Map<number, Outcome>();

  /** Keeps the first of two outcomes of a seed. Returns where the second differs, or undefined. */
  compare({ job, again }: Planned, outcome: Outcome): string | undefined {
    if (!job.options.trace) return undefined;
    const first = this.#first.get(job.seed);
    if (!again || first === undefined) return void this.#first.set(job.seed, outcome);
    this.#first.delete(job.seed);
    return difference(first, outcome);
  }
}

/** The first line in which two outcomes differ. */
export function difference(one: Outcome, other: Outcome): string | undefined {
  const linesOf = ({ trace, ...counts }: Outcome): string[] => [...trace, JSON.stringify(counts)];
  const [lines, others] = [linesOf(one), linesOf(other)];
  const n = lines.findIndex((line, at) => line !== others[at]);
  if (n === -1 && lines.length === others.length) return undefined;
  const at = n === -1 ? lines.length : n;
  const short = (line: string | undefined): string => (line ?? "the end").slice(0, 300);
  return `the line ${at + 1} is "${short(lines[at])}", and when the history runs again "${short(others[at])}"`;
}
