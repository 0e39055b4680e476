import { LIVE_CHANNEL, type Counts, type Pulse } from "../../contracts/live.ts";
import type { Batch } from "../front.ts";

/** Enough for a 99th percentile of a second; more would only cost memory. */
const MAX_SAMPLES = 1_000;

const NOTHING: Counts = {
  frames: 0,
  connects: 0,
  disconnects: 0,
  moved: 0,
  deliveries: 0,
  resumed: 0,
  notResumed: 0,
};

/** What a shard counts between two pulses of the live feed. Counting goes on unwatched: it costs an addition. */
export class Counters {
  #counts = { ...NOTHING };
  #latencies: number[] = [];

  add(what: Exclude<keyof Counts, "deliveries">): void {
    this.#counts[what] += 1;
  }

  /** A batch that is about to go to so many sessions. The live feed does not speak of itself. */
  emitted({ channel, events }: Batch, sessions: number, now: number): void {
    if (channel === LIVE_CHANNEL) return;
    for (const event of events) {
      if (event.kind === "join" || event.kind === "leave") continue;
      this.#counts.deliveries += sessions;
      if (event.kind === "pub" && event.at !== undefined && this.#latencies.length < MAX_SAMPLES)
        this.#latencies.push(Math.max(0, now - event.at));
    }
  }

  /** What was counted since the last call. */
  take(): Pick<Pulse, "counts" | "latency"> {
    const counts = this.#counts;
    const latencies = this.#latencies.toSorted((a, b) => a - b);
    this.#counts = { ...NOTHING };
    this.#latencies = [];
    return { counts, latency: summarize(latencies) };
  }
}

function summarize(sorted: readonly number[]): Pulse["latency"] {
  if (sorted.length === 0) return null;
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
