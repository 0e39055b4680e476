/** Allows a burst, then so many a second. Starts full. */
export class TokenBucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #at: number;

  constructor(limits: { readonly burst: number; readonly perSecond: number }, now: number) {
    this.#burst = limits.burst;
    this.#perSecond = limits.perSecond;
    this.#left = limits.burst;
    this.#at = now;
  }

  /**
   * Takes `cost` tokens if they are there. `reserve`: so many must be left for others. A cost above the burst needs a
   * full bucket, and takes all of it.
   */
  take(
    now: number,
    { cost = 1, reserve = 0 }: { readonly cost?: number; readonly reserve?: number } = {},
  ): boolean {
    this.#left = Math.min(this.#burst, this.#left + (Math.max(0, now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    const taken = Math.min(cost, this.#burst);
    if (this.#left < taken + reserve) return false;
    this.#left -= taken;
    return true;
  }
}
