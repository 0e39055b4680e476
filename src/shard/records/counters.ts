import type { Work } from "../../elastic/costs.ts";
import type { CodeKind, Counts, Pulse } from "../../contracts/live.ts";
import { PulseCounts } from "./pulse-counts.ts";

/** Enough for a 99th percentile of a second; more would only cost memory. */
const MAX_SAMPLES = 1_000;

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

const nothing = (): Mutable<Counts> => ({
  frames: 0,
  connects: 0,
  disconnects: 0,
  moved: 0,
  deliveries: 0,
  resumed: 0,
  notResumed: 0,
});

/** The counters of a shard between two pulses of the live feed. Counting goes on unwatched: it costs an addition. */
export class Counters {
  /** The floors add to these. */
  counts = nothing();
  /** Connections that were let in, in this life. */
  upgrades = 0;
  /** The length of the deliveries of this life, in UTF-16 units. */
  sentUnits = 0;
  /** Connections refused for lack of room, that the coordinator has not heard of. */
  refused = 0;
  /** From the channel's turn of publishing to the shard's of sending, ms. Taken while an operator watches. */
  #latencies: number[] = [];
  isWatched = false;
  /** Made for the first operator who watches. */
  #pulse: PulseCounts | undefined;
  /** The counts of this life until the last {@link take}. */
  #frames = 0;
  #deliveries = 0;

  /** The work of this life, for the load (src/elastic). */
  get work(): Readonly<Record<Work, number>> {
    const { frames, deliveries } = this.counts;
    return {
      upgrade: this.upgrades,
      frame: this.#frames + frames,
      delivery: this.#deliveries + deliveries,
      kilobyte: this.sentUnits / 1_024,
    };
  }

  /** A channel has handed publications to sessions; told while an operator watches. */
  deliver(channel: string, count: { readonly publications: number; readonly sessions: number }): void {
    this.#forPulse().deliver(channel, count);
  }

  /** A session was closed or answered with an error, or an upgrade refused. */
  code(kind: CodeKind, code: string | number, count = 1): void {
    if (this.isWatched) this.#forPulse().code(kind, code, count);
  }

  #forPulse(): PulseCounts {
    this.#pulse ??= new PulseCounts();
    return this.#pulse;
  }

  sample(latencyMs: number): void {
    if (this.#latencies.length < MAX_SAMPLES) this.#latencies.push(Math.max(0, latencyMs));
  }

  /** Answers with the counts since the last call, and begins anew. */
  take(): Pick<Pulse, "counts" | "latency" | "busiest" | "codes"> {
    const { counts } = this;
    const latencies = this.#latencies.toSorted((a, b) => a - b);
    this.#frames += counts.frames;
    this.#deliveries += counts.deliveries;
    this.counts = nothing();
    this.#latencies = [];
    return { counts, latency: summarize(latencies), ...this.#pulse?.take() };
  }
}

function summarize(sorted: readonly number[]): Pulse["latency"] {
  if (sorted.length === 0) return null;
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
