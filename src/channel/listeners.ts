import type { ShardRef } from "../platform/stubs.ts";

/** A shard that listens, under the number of its latest registration. */
export type Listener = { readonly shard: ShardRef; readonly registration: number };

/**
 * The shards that have listeners, one row each.
 *
 * A registration's number is never used again. `forget` takes a number so that an answer that crossed a newer
 * registration changes nothing.
 */
export class Listeners {
  readonly #sql: SqlStorage;
  readonly #byName = new Map<string, Listener>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    // AUTOINCREMENT: a number stays used after its row is gone.
    sql.exec(
      "CREATE TABLE IF NOT EXISTS listeners (registration INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, region TEXT NOT NULL)",
    );
    const rows = sql.exec<{ registration: number; name: string; region: string }>("SELECT * FROM listeners");
    for (const { registration, name, region } of rows) {
      this.#byName.set(name, { shard: { name, region }, registration });
    }
  }

  register(shard: ShardRef): Listener {
    const { registration } = this.#sql
      .exec<{ registration: number }>(
        "INSERT OR REPLACE INTO listeners (name, region) VALUES (?, ?) RETURNING registration",
        shard.name,
        shard.region,
      )
      .one();
    const listener = { shard, registration };
    this.#byName.set(shard.name, listener);
    return listener;
  }

  /** Ends a registration; answers whether it was still the current one. */
  forget(name: string, registration: number): boolean {
    if (this.#byName.get(name)?.registration !== registration) return false;
    this.#byName.delete(name);
    this.#sql.exec("DELETE FROM listeners WHERE registration = ?", registration);
    return true;
  }

  get(name: string): Listener | undefined {
    return this.#byName.get(name);
  }

  all(): Listener[] {
    return [...this.#byName.values()];
  }
}
