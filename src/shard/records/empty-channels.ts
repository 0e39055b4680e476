import { callAgain, within } from "../../platform/calls.ts";
import { logError } from "../../platform/logger.ts";

/** After a channel did not answer, and while one is asked. */
const RETRY_MS = 5_000;
/** How long one channel is asked. */
const ASK_MS = 20_000;
/** How many channels are asked at a time: each is a call to an object. */
const ASKED_AT_ONCE = 32;

export type EmptyChannelsParts = {
  readonly storage: DurableObjectStorage;
  /** Whether a hook or the webhook wants to hear of occupied and vacated channels. */
  readonly isWanted: () => boolean;
  readonly graceMs: number;
  readonly listeners: (channel: string) => number;
  /** Whether the shard listens to a channel, or is about to. */
  readonly follows: (channel: string) => boolean;
  /** Has a channel look whether this shard still listens; answers whether it does. */
  readonly settle: (channel: string) => Promise<boolean>;
  readonly arm: (at: number) => void;
};

/**
 * Tells channels that their last listener here has left, when no other has come for the grace (SPEC HK7).
 *
 * One row for each channel that this shard is registered with, written before it registers, and deleted when the
 * channel has ended the registration: a crash forgets the listeners, and not the channels. A number of channels is asked
 * at a time (SPEC BD66).
 */
export class EmptyChannels {
  readonly #parts: EmptyChannelsParts;
  /** Since when a channel may have no listeners here, ms since 1970. */
  readonly #emptySince = new Map<string, number>();
  readonly #asked = new Set<string>();

  constructor(parts: EmptyChannelsParts) {
    this.#parts = parts;
  }

  /** The shard is about to register with a channel. */
  registers(channel: string): void {
    if (this.#parts.isWanted()) this.#exec("INSERT OR IGNORE INTO registered VALUES (?)", channel);
  }

  /** A listener has come to a channel, has left it, or did not come. */
  look(channel: string): void {
    const { isWanted, listeners, graceMs, arm } = this.#parts;
    if (!isWanted()) return;
    if (listeners(channel) > 0) {
      // The grace begins anew with the next listener that leaves.
      this.#emptySince.delete(channel);
      return;
    }
    if (this.#emptySince.has(channel)) return;
    const now = Date.now();
    this.#emptySince.set(channel, now);
    arm(now + graceMs);
  }

  wake(): void {
    if (!this.#parts.isWanted()) return;
    this.#exec("CREATE TABLE IF NOT EXISTS registered (channel TEXT PRIMARY KEY)");
    const rows = this.#parts.storage.sql.exec<{ channel: string }>("SELECT channel FROM registered");
    for (const { channel } of rows) this.look(channel);
  }

  /** The duty of the shard's alarm; answers when it is next due. */
  run(now: number): number | undefined {
    let next: number | undefined;
    for (const [channel, since] of this.#emptySince) {
      if (this.#parts.listeners(channel) > 0) {
        this.#emptySince.delete(channel);
        continue;
      }
      const dueAt = since + this.#parts.graceMs;
      if (dueAt <= now && !this.#asked.has(channel) && this.#asked.size < ASKED_AT_ONCE)
        void this.#settle(channel);
      const again = dueAt <= now ? now + RETRY_MS : dueAt;
      next = Math.min(next ?? again, again);
    }
    return next;
  }

  async #settle(channel: string): Promise<void> {
    this.#asked.add(channel);
    try {
      const listens = await within(
        ASK_MS,
        callAgain(() => this.#parts.settle(channel)),
      );
      this.#emptySince.delete(channel);
      // A listener that came meanwhile has made, or is making, a registration that needs the row.
      if (listens || this.#parts.follows(channel)) this.look(channel);
      else this.#exec("DELETE FROM registered WHERE channel = ?", channel);
    } catch (error) {
      logError("a channel could not be told that its shard has no listeners", { channel, error });
      // It goes behind the others, so that channels that cannot be reached do not take all the places.
      const since = this.#emptySince.get(channel);
      this.#emptySince.delete(channel);
      if (since !== undefined) this.#emptySince.set(channel, since);
    } finally {
      const othersWait = this.#asked.size === ASKED_AT_ONCE;
      this.#asked.delete(channel);
      if (othersWait) this.#parts.arm(Date.now());
    }
  }

  #exec(query: string, ...values: SqlStorageValue[]): void {
    this.#parts.storage.sql.exec(query, ...values);
  }
}
