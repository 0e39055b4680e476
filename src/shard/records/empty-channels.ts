import { callAgain } from "../../platform/call.ts";

/** After a channel did not answer, and while one is asked. */
const RETRY_MS = 5_000;

export type VacancyParts = {
  readonly storage: DurableObjectStorage;
  readonly wanted: () => boolean;
  readonly graceMs: number;
  readonly listeners: (channel: string) => number;
  /** Whether the shard listens to a channel, or is about to. */
  readonly knows: (channel: string) => boolean;
  /** Has a channel look whether this shard still listens; answers whether it does. */
  readonly settle: (channel: string) => Promise<boolean>;
  readonly arm: (at: number) => void;
};

/**
 * Tells channels that their last listener here has left, when nobody has come for the grace (SPEC HK7).
 *
 * One row for each channel that this shard is registered with, written before it registers, and deleted when the
 * channel knows better: a crash forgets who listened, and not where.
 */
export class Vacancies {
  readonly #parts: VacancyParts;
  /** Since when a channel may have no listeners here, ms since 1970. */
  readonly #since = new Map<string, number>();
  readonly #asked = new Set<string>();

  constructor(parts: VacancyParts) {
    this.#parts = parts;
  }

  registers(channel: string): void {
    if (this.#parts.wanted()) this.#exec("INSERT OR IGNORE INTO registered VALUES (?)", channel);
  }

  /** Somebody has come to a channel, has left it, or did not come. */
  look(channel: string): void {
    const { wanted, listeners, graceMs, arm } = this.#parts;
    if (!wanted()) return;
    if (listeners(channel) > 0) {
      // The grace begins anew with the next who leaves.
      this.#since.delete(channel);
      return;
    }
    if (this.#since.has(channel)) return;
    const now = Date.now();
    this.#since.set(channel, now);
    arm(now + graceMs);
  }

  wake(): void {
    if (!this.#parts.wanted()) return;
    this.#exec("CREATE TABLE IF NOT EXISTS registered (channel TEXT PRIMARY KEY)");
    const rows = this.#parts.storage.sql
      .exec<{ channel: string }>("SELECT channel FROM registered")
      .toArray();
    for (const { channel } of rows) this.look(channel);
  }

  /** The duty of the shard's alarm; answers when it is next due. */
  run(now: number): number | undefined {
    let next: number | undefined;
    for (const [channel, since] of this.#since) {
      if (this.#parts.listeners(channel) > 0) {
        this.#since.delete(channel);
        continue;
      }
      const dueAt = since + this.#parts.graceMs;
      if (dueAt <= now && !this.#asked.has(channel)) void this.#settle(channel);
      const again = dueAt <= now ? now + RETRY_MS : dueAt;
      next = Math.min(next ?? again, again);
    }
    return next;
  }

  async #settle(channel: string): Promise<void> {
    this.#asked.add(channel);
    try {
      const listens = await callAgain(() => this.#parts.settle(channel));
      this.#since.delete(channel);
      // Whoever came meanwhile has made, or is making, a registration that needs the row.
      if (listens || this.#parts.knows(channel)) this.look(channel);
      else this.#exec("DELETE FROM registered WHERE channel = ?", channel);
    } catch (error) {
      console.error("a channel could not be told that nobody listens", error);
    } finally {
      this.#asked.delete(channel);
    }
  }

  #exec(query: string, ...values: SqlStorageValue[]): void {
    this.#parts.storage.sql.exec(query, ...values);
  }
}
