import type { SavedState } from "./plan.ts";

/** A session as its row has it. Times are ms since 1970. */
export type SavedSession = {
  /** The id of its socket, which everybody may know. */
  readonly id: string;
  /** Its client alone knows this part of its `pid`. */
  readonly secret: string;
  readonly state: SavedState;
  /** Absent while its socket is here. `upTo`, `receivedAt`: see `End`; it is kept until `until`. */
  readonly gone?: { readonly upTo: number; readonly receivedAt: number; readonly until: number };
  /** The shard that has it now, by its key, and the call that has taken it; `until` is the end of this alias. */
  readonly moved?: { readonly to: string; readonly by: string; readonly until: number };
};

/** The most sessions that are kept without a socket, and the most aliases. */
const MOST_WITHOUT = 100_000;

/** Its value says that the table is made. */
const KEY = "socketio:sessions";

/** The sessions of a shard that may be recovered: a row for each, and no table before the first. */
export class SavedSessions {
  readonly #storage: Pick<DurableObjectStorage, "sql" | "kv">;
  readonly #sql: SqlStorage;
  #isStored: boolean;
  /** Rows with an end; counted when it is first asked. */
  #without: number | undefined;

  constructor(storage: Pick<DurableObjectStorage, "sql" | "kv">) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#isStored = storage.kv.get(KEY) !== undefined;
  }

  get isEmpty(): boolean {
    return (
      !this.#isStored || this.#sql.exec("SELECT 1 FROM socketio_sessions LIMIT 1").toArray().length === 0
    );
  }

  find(id: string): SavedSession | undefined {
    if (!this.#isStored) return undefined;
    const [row] = this.#sql
      .exec<{ session: string }>("SELECT session FROM socketio_sessions WHERE id = ?", id)
      .toArray();
    return row === undefined ? undefined : (JSON.parse(row.session) as SavedSession);
  }

  /** One that has ended is forgotten instead where too many are kept. */
  save(session: SavedSession): void {
    this.#store();
    const until = session.moved?.until ?? session.gone?.until ?? null;
    if (until !== null) {
      this.#without = (this.#without ?? this.#count()) + 1;
      // A session that is saved again is no further one.
      if (this.#without > MOST_WITHOUT) this.#without = this.#count();
      if (this.#without >= MOST_WITHOUT) return this.delete(session.id);
    }
    this.#sql.exec(
      "INSERT OR REPLACE INTO socketio_sessions VALUES (?, ?, ?)",
      session.id,
      until,
      JSON.stringify(session),
    );
  }

  delete(id: string): void {
    if (this.#isStored) this.#sql.exec("DELETE FROM socketio_sessions WHERE id = ?", id);
  }

  /** Removes those whose time has passed; answers when the next one's does. */
  expire(now: number): number | undefined {
    if (!this.#isStored) return undefined;
    this.#sql.exec("DELETE FROM socketio_sessions WHERE until < ?", now);
    this.#without = this.#count();
    const { next } = this.#sql
      .exec<{ next: number | null }>("SELECT MIN(until) AS next FROM socketio_sessions")
      .one();
    return next ?? undefined;
  }

  /** The ids of those that have not ended, as far as their rows say. */
  openIds(): string[] {
    if (!this.#isStored) return [];
    return this.#sql
      .exec<{ id: string }>("SELECT id FROM socketio_sessions WHERE until IS NULL")
      .toArray()
      .map(({ id }) => id);
  }

  #count(): number {
    return this.#sql.exec<{ n: number }>("SELECT COUNT(until) AS n FROM socketio_sessions").one().n;
  }

  #store(): void {
    if (this.#isStored) return;
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS socketio_sessions (id TEXT PRIMARY KEY, until INTEGER, session TEXT NOT NULL) WITHOUT ROWID",
    );
    this.#storage.kv.put(KEY, 1);
    this.#isStored = true;
  }
}
