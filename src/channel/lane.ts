import type { DeliveryResult, Entry } from "../protocol/delivery.ts";

/** What waits for a shard that does not answer, at most; the oldest goes first. */
const LANE_BYTES = 8 * 1_048_576;

/**
 * The way from a channel to one shard: one call in flight, in order; what comes meanwhile goes in the next call.
 *
 * Idle, an entry leaves at once; busy, entries travel in batches by themselves. `deliver` does its own retries;
 * when it rejects, what it carried is dropped (subscriptions are not recoverable yet).
 */
export class Lane {
  readonly #deliver: (entries: readonly Entry[]) => Promise<DeliveryResult>;
  readonly #onNoListeners: () => void;
  #waiting: Entry[] = [];
  #waitingBytes = 0;
  #busy: Promise<void> | undefined;

  constructor(effects: {
    deliver: (entries: readonly Entry[]) => Promise<DeliveryResult>;
    onNoListeners: () => void;
  }) {
    this.#deliver = effects.deliver;
    this.#onNoListeners = effects.onNoListeners;
  }

  /** Takes an entry; the promise ends when nothing waits any more. */
  push(entry: Entry): Promise<void> {
    this.#waiting.push(entry);
    this.#waitingBytes += entry.body.length;
    while (this.#waitingBytes > LANE_BYTES && this.#waiting.length > 1) {
      this.#waitingBytes -= this.#waiting.shift()?.body.length ?? 0;
    }
    this.#busy ??= this.#run();
    return this.#busy;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const entries = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        const result = await this.#deliver(entries);
        if (result.kind === "noListeners") this.#onNoListeners();
      } catch (error) {
        console.error("a delivery was given up", error);
      }
    }
    this.#busy = undefined;
  }
}
