import type { Pulse } from "../../contracts/live.ts";

/** A pulse and the time when the page received it, ms of `performance.now()`. */
export type ReceivedPulse = { readonly pulse: Pulse; readonly receivedAt: number };

/** A shard's numbers are stale after this time without a pulse. A shard sends a pulse once a second. */
export const STALE_MS = 3_500;

/** The values that the charts show of one second. Null is a gap: no pulse was fresh. */
export type Sample = {
  readonly at: number;
  readonly sessions: ReadonlyMap<string, number>;
  readonly deliveries: number | null;
  readonly frames: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly connects: number | null;
  readonly moved: number | null;
  readonly resumed: number | null;
};

/**
 * One sample of all fresh pulses. Rates are per second. A percentile is the worst of the shards' percentiles. `now` is
 * ms of `performance.now()`; `at` is the sample's time in seconds since 1970.
 */
export function sampleOf(
  pulses: Iterable<ReceivedPulse>,
  { now, at }: { readonly now: number; readonly at: number },
): Sample {
  const fresh = [...pulses].filter(({ receivedAt }) => now - receivedAt < STALE_MS).map(({ pulse }) => pulse);
  const rate = (count: (pulse: Pulse) => number): number | null =>
    fresh.length === 0 ? null : fresh.reduce((sum, pulse) => sum + perSecond(pulse, count(pulse)), 0);
  const worst = (pick: (latency: NonNullable<Pulse["latency"]>) => number): number | null => {
    const known = fresh.flatMap(({ latency }) => (latency === null ? [] : [pick(latency)]));
    return known.length === 0 ? null : Math.max(...known);
  };
  return {
    at,
    sessions: sessionsByShard(fresh),
    deliveries: rate(({ counts }) => counts.deliveries),
    frames: rate(({ counts }) => counts.frames),
    p50Ms: worst(({ p50Ms }) => p50Ms),
    p99Ms: worst(({ p99Ms }) => p99Ms),
    connects: rate(({ counts }) => counts.connects),
    moved: rate(({ counts }) => counts.moved),
    resumed: rate(({ counts }) => counts.resumed),
  };
}

/** Each front of a shard has a pulse of its own. */
function sessionsByShard(pulses: readonly Pulse[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { shard, sessions } of pulses) sums.set(shard, (sums.get(shard) ?? 0) + sessions);
  return sums;
}

/** A pulse's count as a rate per second. */
export const perSecond = ({ intervalMs }: Pulse, count: number): number =>
  (count * 1_000) / Math.max(intervalMs, 1);

/** Adds a sample, and drops the samples that are more than `keepSeconds` older. */
export function pushSample(samples: readonly Sample[], sample: Sample, keepSeconds: number): Sample[] {
  return [...samples.filter(({ at }) => at > sample.at - keepSeconds), sample];
}

/** Columns for a chart: the times, then one column for each shard. */
export function sessionColumns(samples: readonly Sample[], shards: readonly string[]): (number | null)[][] {
  const columns = shards.map((id) => samples.map(({ sessions }) => sessions.get(id) ?? null));
  return [samples.map(({ at }) => at), ...columns];
}
