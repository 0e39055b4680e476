/** The history of a run, and the laws that it breaks. This module does not know how the cluster works. */

/** The id of a publication that was trimmed before a subscriber had heard it. */
export const UNSEEN = "";

export type Heard = { readonly offset: number; readonly id: string };

/** One subscriber of one channel: it began after offset `from`, and heard these publications in this order. */
export type Hearing = {
  readonly who: string;
  readonly channel: string;
  readonly from: number;
  readonly heard: readonly Heard[];
  /** Resumes that were answered with `recovered: false`: the offset before, and the offset from which it went on. */
  readonly unrecovered: readonly {
    readonly from: number;
    readonly to: number;
    /** The resume was larger than a reply may be. */
    readonly isJustified?: boolean;
  }[];
  /** The subscriber left before the end, so it does not miss later publications. */
  readonly ended?: boolean;
};

export type Run = {
  /** Ids whose publisher got an answer, by channel. */
  readonly acknowledged: ReadonlyMap<string, readonly string[]>;
  /** The log of each channel at the end, from its first publication on. */
  readonly logs: ReadonlyMap<string, readonly Heard[]>;
  /** The number of publications that a channel keeps. A channel without a number keeps all. */
  readonly keeps?: ReadonlyMap<string, number>;
  readonly hearings: readonly Hearing[];
};

export type Verdict = {
  readonly lost: string[];
  readonly repeated: string[];
  readonly outOfOrder: string[];
  readonly unjustified: string[];
};

/** Trimming and size justify a `recovered: false`: in these runs no subscriber falls too far behind. */
export function judge(run: Run): Verdict {
  const verdict: Verdict = { lost: [], repeated: [], outOfOrder: [], unjustified: [] };
  for (const [channel, log] of run.logs) judgeLog(verdict, channel, log, run.acknowledged.get(channel) ?? []);
  for (const hearing of run.hearings) {
    const { channel } = hearing;
    judgeHearing(verdict, hearing, run.logs.get(channel) ?? [], run.keeps?.get(channel) ?? Infinity);
  }
  return verdict;
}

function judgeLog(
  verdict: Verdict,
  channel: string,
  log: readonly Heard[],
  acknowledged: readonly string[],
): void {
  const times = new Map<string, number>();
  for (const [n, { offset, id }] of log.entries()) {
    if (offset !== n + 1)
      verdict.outOfOrder.push(`${channel}: offset ${offset} at place ${n + 1} of the log`);
    times.set(id, (times.get(id) ?? 0) + 1);
  }
  const missing = acknowledged.filter((id) => !times.has(id));
  if (missing.length > (times.get(UNSEEN) ?? 0))
    verdict.lost.push(...missing.map((id) => `${channel}: ${id} was acknowledged and is not in the log`));
  for (const [id, count] of times)
    if (count > 1 && id !== UNSEEN) verdict.repeated.push(`${channel}: ${id} is ${count} times in the log`);
}

function judgeHearing(verdict: Verdict, hearing: Hearing, log: readonly Heard[], keeps: number): void {
  const { who, channel, heard } = hearing;
  const where = `${channel} of ${who}`;
  for (const { from, to, isJustified = false } of hearing.unrecovered)
    if (to - from <= keeps && !isJustified)
      verdict.unjustified.push(`${where}: not recovered from ${from}, at ${to}`);
  const skips = [...hearing.unrecovered];
  let last = hearing.from;
  const skip = (until: number) => {
    while (skips[0] !== undefined && skips[0].from === last && skips[0].to <= until)
      last = skips.shift()?.to ?? last;
  };
  for (const { offset, id } of heard) {
    skip(offset);
    if (offset === last) verdict.repeated.push(`${where}: offset ${offset} again`);
    else if (offset < last) verdict.outOfOrder.push(`${where}: offset ${offset} after ${last}`);
    else if (offset > last + 1) verdict.lost.push(`${where}: offsets ${last + 1} to ${offset - 1}`);
    if (log[offset - 1]?.id !== id)
      verdict.outOfOrder.push(`${where}: offset ${offset} has the id ${id}, and the log has another`);
    last = Math.max(last, offset);
  }
  skip(Infinity);
  if (hearing.ended !== true && last < log.length)
    verdict.lost.push(`${where}: offsets ${last + 1} to ${log.length}, at the end`);
}
