import { isShort, SHORT_KEEPS } from "./channels.ts";
import { judge, type Heard, type Hearing } from "../../src/cli/verify/judge.ts";
import { FAULT } from "./faults.ts";
import type { Listeners } from "./listeners.ts";
import type { Publishers } from "./publishers.ts";
import type { Returning } from "./returning.ts";
import type { Witness } from "./witness.ts";

/** A resume over more than `limits.resumeBytes` may be refused. */
const RESUME_BYTES = 4 * 2 ** 20;

/** What a run has seen. */
export type Outcome = {
  readonly counts: Readonly<Record<string, number>>;
  /** How often each kind of fault came. */
  readonly faults: Readonly<Record<string, number>>;
  /** A sentence for each violation of a law. */
  readonly problems: readonly string[];
};

/** Prints and answers what a run has seen. */
export function report(parts: {
  readonly logs: Map<string, Heard[]>;
  readonly channels: readonly string[];
  readonly listeners: Listeners;
  readonly returning: Returning;
  readonly publishers: Publishers;
  readonly witness: Witness;
  /** The events of the run, by name. */
  readonly counts: ReadonlyMap<string, number>;
  readonly seed: number;
}): Outcome {
  const { logs, channels, listeners, returning, publishers, witness, counts, seed } = parts;
  const { acknowledged, bytesOf } = publishers;
  const isTooLarge = (channel: string, from: number, to: number): boolean => {
    const missed = logs.get(channel)?.slice(from, to) ?? [];
    return missed.reduce((sum, { id }) => sum + (bytesOf.get(id) ?? 0), 0) > RESUME_BYTES;
  };
  const hearings: Hearing[] = listeners.all.flatMap(({ hearings: all }, n) =>
    [...all].map(([channel, { from, heard, unrecovered }]) => ({
      who: `listener-${n}`,
      channel,
      from: from ?? 0,
      heard,
      unrecovered: unrecovered.map(({ from: at, to }) => ({
        from: at,
        to,
        isJustified: isTooLarge(channel, at, to),
      })),
    })),
  );
  const keeps = new Map(channels.filter(isShort).map((channel) => [channel, SHORT_KEEPS]));
  const verdict = judge({ acknowledged, logs, keeps, hearings });
  const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, one) => total + one, 0);
  const ofRooms = returning.problems();
  const rows: Record<string, number> = {
    "publications acknowledged": sum([...acknowledged.values()].map(({ length }) => length)),
    "publications in the logs": sum([...logs.values()].map(({ length }) => length)),
    deliveries: sum(hearings.map(({ heard }) => heard.length)),
    resumes: sum(
      listeners.all.flatMap(({ hearings: all }) => [...all.values()].map(({ resumes }) => resumes)),
    ),
    "Socket.IO sessions recovered": returning.recovered,
    "Socket.IO sessions begun anew": returning.anew,
    "answers to the witness": witness.answers,
    "witness: half of the round trips under, ms": witness.percentile(0.5),
    "witness: 99 of 100 round trips under, ms": witness.percentile(0.99),
    "longest from acknowledged to delivered, ms": listeners.longestMs,
    lost: verdict.lost.length,
    repeated: verdict.repeated.length,
    "out of order": verdict.outOfOrder.length,
    "events of rooms lost, repeated or out of order": ofRooms.length,
    "recovered: false": sum(hearings.map(({ unrecovered }) => unrecovered.length)),
    "recovered: false, unjustified": verdict.unjustified.length,
  };
  const events = [...counts].toSorted(([a], [b]) => a.localeCompare(b));
  console.table({ ...rows, ...Object.fromEntries(events) });
  const faults = events.flatMap(([event, times]) =>
    event.startsWith(FAULT) ? [[event.slice(FAULT.length), times] as const] : [],
  );
  const problems = [...Object.values(verdict).flat(), ...ofRooms];
  for (const problem of problems.slice(0, 40)) console.error(problem);
  if (problems.length > 0)
    console.error(`${problems.length} violations of laws. Repeat the run with --seed ${seed}.`);
  return { counts: rows, faults: Object.fromEntries(faults), problems };
}
