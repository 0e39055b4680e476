import type { PresenceEvent } from "../../contracts/channel.ts";
import { logError } from "../../platform/logger.ts";

/** Joins and leaves of this shard, gathered for a moment and told to each channel in one call. At most once. */
export class Announcer {
  readonly #tell: (channel: string, events: readonly PresenceEvent[]) => Promise<void>;
  readonly #batchMs: number;
  #waiting = new Map<string, PresenceEvent[]>();

  constructor(batchMs: number, tell: (channel: string, events: readonly PresenceEvent[]) => Promise<void>) {
    this.#batchMs = batchMs;
    this.#tell = tell;
  }

  announce(channel: string, event: PresenceEvent): void {
    if (this.#waiting.size === 0) setTimeout(() => this.#flush(), this.#batchMs);
    const events = this.#waiting.get(channel);
    if (events === undefined) this.#waiting.set(channel, [event]);
    else events.push(event);
  }

  #flush(): void {
    const batches = this.#waiting;
    this.#waiting = new Map();
    for (const [channel, events] of batches) {
      this.#tell(channel, events).catch((error: unknown) =>
        logError("joins and leaves were lost", { channel, events: events.length, error }),
      );
    }
  }
}
