import { TokenBucket } from "../platform/token-bucket.ts";

/**
 * Says how late an error of the cluster is answered, so that the clients of a lost or full shard do not come back as
 * one (SPEC EL60).
 *
 * At most `most` answers wait at a time; above that an error is answered at once. They are bounded by a rate and not by
 * a count: where a client leaves, the platform may end its request, and no code would count it down.
 */
export class LateErrors {
  readonly #maxMs: number;
  readonly #bucket: TokenBucket;
  readonly #random: () => number;

  /** `random`: from 0 to below 1. */
  constructor(
    { maxMs, most }: { readonly maxMs: number; readonly most: number },
    random: () => number,
    now: number,
  ) {
    this.#maxMs = maxMs;
    this.#random = random;
    // No wait is longer than `maxMs`, so those that wait now came within it: one burst, and what flowed in meanwhile.
    const burst = most / 2;
    this.#bucket = new TokenBucket({ burst, perSecond: burst / Math.max(maxMs / 1_000, 0.001) }, now);
  }

  /** How long the next answer waits, ms; 0 for at once. */
  next(now: number): number {
    if (this.#maxMs === 0 || !this.#bucket.take(now)) return 0;
    return Math.ceil(this.#random() * this.#maxMs);
  }
}
