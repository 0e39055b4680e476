import type { KeptPosition } from "./heard.ts";

/** Long enough to gather the deliveries of a burst in one write. */
const WRITE_MS = 200;

/**
 * How far this shard has heard in each channel, in one row, written a moment after it changes.
 *
 * The object does not sleep before the write, as it waits for the timer (docs/platform.md P22). A crash in between
 * closes every socket: a shard without a socket MUST NOT believe the row.
 */
export class Positions {
  readonly #ctx: DurableObjectState;
  readonly #present: () => Map<string, KeptPosition>;
  #isWriting = false;

  constructor(ctx: DurableObjectState, present: () => Map<string, KeptPosition>) {
    this.#ctx = ctx;
    this.#present = present;
  }

  /** The positions as they were when the object fell asleep. */
  read(): Map<string, KeptPosition> {
    return this.#ctx.storage.kv.get<Map<string, KeptPosition>>("positions") ?? new Map();
  }

  /** A position has changed. */
  touch(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#ctx.waitUntil(this.#write());
  }

  async #write(): Promise<void> {
    await scheduler.wait(WRITE_MS);
    this.#isWriting = false;
    this.#ctx.storage.kv.put("positions", this.#present());
  }
}
