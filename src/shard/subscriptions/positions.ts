import type { KeptPosition } from "./channels.ts";

/** Long enough to gather the deliveries of a burst in one write. */
const WRITE_MS = 200;

/**
 * How far this shard has heard in each channel, in one row, written a moment after it changes.
 *
 * The object does not sleep before the write, as it waits for the timer; a crash in between closes every socket, and
 * without one nothing of it MUST be believed.
 */
export class Positions {
  readonly #ctx: DurableObjectState;
  readonly #present: () => Map<string, KeptPosition>;
  #writing = false;

  constructor(ctx: DurableObjectState, present: () => Map<string, KeptPosition>) {
    this.#ctx = ctx;
    this.#present = present;
  }

  read(): Map<string, KeptPosition> {
    return this.#ctx.storage.kv.get<Map<string, KeptPosition>>("positions") ?? new Map();
  }

  touch(): void {
    if (this.#writing) return;
    this.#writing = true;
    this.#ctx.waitUntil(this.#write());
  }

  async #write(): Promise<void> {
    await scheduler.wait(WRITE_MS);
    this.#writing = false;
    this.#ctx.storage.kv.put("positions", this.#present());
  }
}
