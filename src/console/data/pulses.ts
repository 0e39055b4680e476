import { computed, signal } from "@preact/signals";
import { mergeFronts } from "../model/fronts.ts";
import { pushSample, sampleOf, STALE_MS, type ReceivedPulse, type Sample } from "../model/series.ts";

/** The pulses of the shards, and the clock that repaints the page. Times are ms of `performance.now()`. */

/** The page repaints values that change many times a second at this interval. */
const TICK_MS = 250;
const CHART_SECONDS = 300;
/** After a gap every shard sends a pulse within a second. An earlier sample would be a sum over some of the shards. */
const SETTLE_MS = 1_250;

/** Grows with each tick of the clock. Values that follow from the time or from pulses depend on it. */
export const tick = signal(0);
export const samples = signal<readonly Sample[]>([]);

/** By shard, and by front; the first front has no name. */
const pulses = new Map<string, Map<string, ReceivedPulse>>();
let lastEventAt = -Infinity;
let gapEndedAt = -Infinity;

/** The time since the last event of the live feed, ms; undefined before the first event. */
export const feedAge = computed(() => {
  void tick.value;
  return lastEventAt === -Infinity ? undefined : performance.now() - lastEventAt;
});

export const isStale = computed(() => feedAge.value === undefined || feedAge.value > STALE_MS);

/** The sample of the present second. */
export const currentSample = computed(() => {
  void tick.value;
  return sampleOf(allPulses(), { now: performance.now(), at: Date.now() / 1_000 });
});

/** Records that an event of the live feed has arrived, of any kind. */
export function recordEvent(now: number): void {
  if (now - lastEventAt > STALE_MS) gapEndedAt = now;
  lastEventAt = now;
}

export function recordPulse(received: ReceivedPulse): void {
  const { shard, front = "" } = received.pulse;
  const ofShard = pulses.get(shard) ?? new Map<string, ReceivedPulse>();
  pulses.set(shard, ofShard.set(front, received));
}

/** Over all fronts of a shard. */
export const lastPulse = (shard: string): ReceivedPulse | undefined =>
  mergeFronts([...(pulses.get(shard)?.values() ?? [])]);

/** The last pulse of each front of each shard. */
export const allPulses = (): readonly ReceivedPulse[] =>
  [...pulses.values()].flatMap((ofShard) => [...ofShard.values()]);

/** Forgets the pulses of shards that are gone. */
export function keepPulsesOf(shards: ReadonlySet<string>): void {
  for (const id of pulses.keys()) if (!shards.has(id)) pulses.delete(id);
}

export function clearPulses(): void {
  pulses.clear();
  samples.value = [];
  lastEventAt = -Infinity;
  gapEndedAt = -Infinity;
}

/** Starts the page's clock. Returns the function that stops it. */
export function startClock(): () => void {
  let lastSecond = 0;
  const timer = setInterval(() => {
    tick.value += 1;
    const at = Math.floor(Date.now() / 1_000);
    if (at === lastSecond || performance.now() - gapEndedAt < SETTLE_MS) return;
    lastSecond = at;
    const sample = sampleOf(allPulses(), { now: performance.now(), at });
    samples.value = pushSample(samples.value, sample, CHART_SECONDS);
  }, TICK_MS);
  return () => clearInterval(timer);
}
