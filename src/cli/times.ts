import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** Percentiles in milliseconds. */
export type Percentiles = {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
};

/** Times of one kind, in a histogram whose size does not grow. */
export class Times {
  readonly #histogram: RecordableHistogram = createHistogram({ figures: 3 });

  record(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * 1_000)));
  }

  /** The percentiles, or undefined where nothing was recorded. */
  summary(): Percentiles | undefined {
    const { count } = this.#histogram;
    if (count === 0) return undefined;
    const at = (part: number): number => round(this.#histogram.percentile(part) / 1_000);
    return { count, p50: at(50), p95: at(95), p99: at(99), max: round(this.#histogram.max / 1_000) };
  }
}

const round = (ms: number): number => (ms < 100 ? Math.round(ms * 10) / 10 : Math.round(ms));
