import type { Pulse } from "../../contracts/live.ts";

/** A pulse and when the page got it, ms of the page's own clock. */
export type Heard = { readonly pulse: Pulse; readonly heardAt: number };

/** After this long without a pulse a shard's numbers are old; shards speak once a second. */
export const STALE_MS = 3_500;

/** Everything the charts show of one second. Null is a gap: nothing fresh was known. */
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

/** What the fresh pulses say together. Rates are a second's; a percentile over shards is the worst of theirs. */
export function sampleOf(heard: Iterable<Heard>, now: number, at: number): Sample {
  const fresh = [...heard].filter(({ heardAt }) => now - heardAt < STALE_MS).map(({ pulse }) => pulse);
  const rate = (count: (pulse: Pulse) => number): number | null =>
    fresh.length === 0 ? null : fresh.reduce((sum, pulse) => sum + perSecond(pulse, count(pulse)), 0);
  const worst = (pick: (latency: NonNullable<Pulse["latency"]>) => number): number | null => {
    const known = fresh.flatMap(({ latency }) => (latency === null ? [] : [pick(latency)]));
    return known.length === 0 ? null : Math.max(...known);
  };
  return {
    at,
    sessions: new Map(fresh.map(({ shard, sessions }) => [shard, sessions])),
    deliveries: rate(({ counts }) => counts.deliveries),
    frames: rate(({ counts }) => counts.frames),
    p50Ms: worst(({ p50Ms }) => p50Ms),
    p99Ms: worst(({ p99Ms }) => p99Ms),
    connects: rate(({ counts }) => counts.connects),
    moved: rate(({ counts }) => counts.moved),
    resumed: rate(({ counts }) => counts.resumed),
  };
}

export const perSecond = ({ intervalMs }: Pulse, count: number): number =>
  (count * 1_000) / Math.max(intervalMs, 1);

/** Adds a sample and forgets what is older than `keepSeconds`. */
export function pushSample(samples: readonly Sample[], sample: Sample, keepSeconds: number): Sample[] {
  return [...samples.filter(({ at }) => at > sample.at - keepSeconds), sample];
}

/** Columns as a chart takes them: the times, then one column for each shard. */
export function sessionColumns(samples: readonly Sample[], shards: readonly string[]): (number | null)[][] {
  const columns = shards.map((id) => samples.map(({ sessions }) => sessions.get(id) ?? null));
  return [samples.map(({ at }) => at), ...columns];
}
