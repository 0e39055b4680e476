import { addUsage, isUnused, NO_USAGE, USAGE_FIELDS, type Usage } from "../contracts/usage.ts";
import type { KeptCounts } from "../platform/timetable.ts";

/**
 * The usage of a channel that no shard has heard of yet. A channel reports to nobody, so its deliveries and its answers
 * to registrations carry it (SPEC EL52). Nothing is told twice: the usage that the stored row has is told only when the
 * row is about to be written without it. A call that fails loses the usage that it carries.
 */
export class UntoldUsage implements KeptCounts {
  readonly #meter: { take(now: number): Usage };
  /** In the row of the timetable, and nowhere else. */
  #inRow = NO_USAGE;
  #live = NO_USAGE;
  #isPromised = false;

  /** `meter`: see `UsageMeter.take`. */
  constructor(meter: { take(now: number): Usage }) {
    this.#meter = meter;
  }

  /** The usage for a call to a shard that is made now; absent where there is none. */
  tell(now: number): { readonly usage?: Usage } {
    this.#collect(now);
    const usage = this.#live;
    this.#live = NO_USAGE;
    this.#isPromised = false;
    return isUnused(usage) ? {} : { usage };
  }

  /** The row is about to be written, and a call to a shard follows: it tells the usage, and the row has none. */
  takeFromRow(): void {
    this.#live = addUsage(this.#live, this.#inRow);
    this.#inRow = NO_USAGE;
    this.#isPromised = true;
  }

  recall(counts: Readonly<Record<string, number>>): void {
    this.#inRow = { ...NO_USAGE, ...counts };
  }

  counts(rows: number, now: number): Record<string, number> {
    this.#collect(now);
    if (!this.#isPromised) {
      // The meter is about to count these rows, which the row has already.
      this.#inRow = addUsage(addUsage(this.#inRow, this.#live), { ...NO_USAGE, rowsWritten: rows });
      this.#live = { ...NO_USAGE, rowsWritten: -rows };
    }
    const fields = USAGE_FIELDS.filter((field) => this.#inRow[field] > 0);
    return Object.fromEntries(fields.map((field) => [field, Math.round(this.#inRow[field])]));
  }

  #collect(now: number): void {
    this.#live = addUsage(this.#live, this.#meter.take(now));
  }
}
