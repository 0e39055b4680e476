import type { ShardRef } from "../platform/stubs.ts";

/** A shard that listens, under the number of its latest registration, and how far it has heard. */
export type Listener = { readonly shard: ShardRef; readonly registration: number; readonly heard: number };

/**
 * The shards that have listeners, one row each.
 *
 * A registration's number is never used again (AUTOINCREMENT). `forget` takes a number so that an answer that crossed a newer
 * registration changes nothing. What a shard has heard is written late, by `save`: what was heard and not written is
 * sent again after a crash, and dropped by the shard.
 */
export class Listeners {
  readonly #sql: SqlStorage;
  readonly #byName = new Map<string, Listener>();
  readonly #unsaved = new Set<string>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    const rows = sql.exec<{ registration: number; name: string; region: string; heard: number }>(
      "SELECT * FROM listeners",
    );
    for (const { registration, name, region, heard } of rows) {
      this.#byName.set(name, { shard: { name, region }, registration, heard });
    }
  }

  register(shard: ShardRef, heard: number): Listener {
    const { registration } = this.#sql
      .exec<{ registration: number }>(
        "INSERT OR REPLACE INTO listeners (name, region, heard) VALUES (?, ?, ?) RETURNING registration",
        shard.name,
        shard.region,
        heard,
      )
      .one();
    const listener = { shard, registration, heard };
    this.#byName.set(shard.name, listener);
    this.#unsaved.delete(shard.name);
    return listener;
  }

  /** Ends a registration; answers whether it was still the current one. */
  forget(name: string, registration: number): boolean {
    if (this.#byName.get(name)?.registration !== registration) return false;
    this.#byName.delete(name);
    this.#unsaved.delete(name);
    this.#sql.exec("DELETE FROM listeners WHERE registration = ?", registration);
    return true;
  }

  /** Notes how far a registration has heard; {@link save} writes it. */
  hear(name: string, registration: number, heard: number): void {
    const listener = this.#byName.get(name);
    if (listener?.registration !== registration || listener.heard >= heard) return;
    this.#byName.set(name, { ...listener, heard });
    this.#unsaved.add(name);
  }

  save(): void {
    for (const name of this.#unsaved) {
      const listener = this.#byName.get(name);
      if (listener === undefined) continue;
      this.#sql.exec(
        "UPDATE listeners SET heard = ? WHERE registration = ?",
        listener.heard,
        listener.registration,
      );
    }
    this.#unsaved.clear();
  }

  get(name: string): Listener | undefined {
    return this.#byName.get(name);
  }

  all(): Listener[] {
    return [...this.#byName.values()];
  }
}
