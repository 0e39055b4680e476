/** What happened in a run, and what of it breaks a law. Nothing here knows how the cluster works. */

export type Heard = { readonly offset: number; readonly id: string };

/** One subscriber of one channel: it began after `from`, and this is what it was given, in that order. */
export type Hearing = {
  readonly who: string;
  readonly channel: string;
  readonly from: number;
  readonly heard: readonly Heard[];
  /** Resumes that were answered with `recovered: false`. */
  readonly unrecovered: number;
};

export type Run = {
  /** Ids whose publisher got an answer, by channel. */
  readonly acknowledged: ReadonlyMap<string, readonly string[]>;
  /** What each channel holds at the end, from its first publication on. */
  readonly logs: ReadonlyMap<string, readonly Heard[]>;
  readonly hearings: readonly Hearing[];
};

export type Verdict = {
  readonly lost: string[];
  readonly repeated: string[];
  readonly outOfOrder: string[];
  readonly unjustified: string[];
};

/** Nothing was trimmed and nobody was too far behind, so any `recovered: false` is unjustified. */
export function judge(run: Run): Verdict {
  const verdict: Verdict = { lost: [], repeated: [], outOfOrder: [], unjustified: [] };
  for (const [channel, log] of run.logs) judgeLog(verdict, channel, log, run.acknowledged.get(channel) ?? []);
  for (const hearing of run.hearings) judgeHearing(verdict, hearing, run.logs.get(hearing.channel) ?? []);
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
  for (const id of acknowledged)
    if (!times.has(id)) verdict.lost.push(`${channel}: ${id} was acknowledged and is not in the log`);
  for (const [id, count] of times)
    if (count > 1) verdict.repeated.push(`${channel}: ${id} is ${count} times in the log`);
}

function judgeHearing(verdict: Verdict, hearing: Hearing, log: readonly Heard[]): void {
  const { who, channel, from, heard } = hearing;
  const where = `${channel} of ${who}`;
  if (hearing.unrecovered > 0)
    verdict.unjustified.push(`${where}: ${hearing.unrecovered} times recovered: false`);
  let last = from;
  for (const { offset, id } of heard) {
    if (offset === last) verdict.repeated.push(`${where}: ${offset} again`);
    else if (offset < last) verdict.outOfOrder.push(`${where}: ${offset} after ${last}`);
    else if (offset > last + 1) verdict.lost.push(`${where}: ${last + 1} to ${offset - 1}`);
    if (log[offset - 1]?.id !== id)
      verdict.outOfOrder.push(`${where}: ${offset} is ${id}, and another in the log`);
    last = Math.max(last, offset);
  }
  if (last < log.length) verdict.lost.push(`${where}: ${last + 1} to ${log.length}, at the end`);
}
