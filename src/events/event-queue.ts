import type { Event } from "./event.ts";

/** Events that go to their receiver together, always in the same company. */
export type Lot = {
  readonly batch: string;
  readonly events: readonly Event[];
  readonly rows: readonly number[];
  readonly tries: number;
};

type Settings = {
  /** How many events make a lot, at most. */
  readonly batch: number;
  readonly retryFirstMs: number;
  readonly retryLastMs: number;
  readonly keepMs: number;
};

type Row = { seq: number; body: string; at: number; batch: string | null; tries: number; due: number };

/**
 * The events that one receiver has still to take, oldest first, in the object's own storage.
 *
 * Its table is made with the first event, so that an object of which nobody wants to hear has none.
 */
export class EventQueue {
  readonly #sql: SqlStorage;
  readonly #table: "hook_events" | "webhook_events";
  readonly #settings: Settings;
  #exists: boolean | undefined;

  constructor(storage: DurableObjectStorage, table: "hook_events" | "webhook_events", settings: Settings) {
    this.#sql = storage.sql;
    this.#table = table;
    this.#settings = settings;
  }

  get exists(): boolean {
    this.#exists ??=
      this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = ?", this.#table).toArray().length > 0;
    return this.#exists;
  }

  add(event: Event, due: number): void {
    if (!this.exists) {
      this.#sql.exec(
        `CREATE TABLE ${this.#table} (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, at INTEGER NOT NULL, batch TEXT, tries INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL)`,
      );
      this.#exists = true;
    }
    this.#sql.exec(
      `INSERT INTO ${this.#table} (body, at, due) VALUES (?, ?, ?)`,
      JSON.stringify(event),
      event.at,
      due,
    );
  }

  /**
   * What is to be sent by now. One lot at a time keeps the order: nothing overtakes the oldest. Where more may be on
   * their way at once, a lot that waits for its next try holds up no other.
   */
  take(now: number, lots: number): Lot[] {
    if (!this.exists) return [];
    if (lots > 1)
      return this.#rows("WHERE due <= ? ORDER BY seq LIMIT ?", now, lots).map((row) => lotOf([row]));
    const [oldest] = this.#rows("ORDER BY seq LIMIT 1");
    if (oldest === undefined || oldest.due > now) return [];
    if (oldest.batch !== null) return [lotOf(this.#rows("WHERE batch = ? ORDER BY seq", oldest.batch))];
    const rows = this.#rows("WHERE batch IS NULL ORDER BY seq LIMIT ?", this.#settings.batch);
    // Whatever is sent again is sent in the same company, under the same id.
    const batch = crypto.randomUUID();
    this.#update(`SET batch = ? WHERE seq <= ?`, batch, rows.at(-1)?.seq ?? 0);
    return [lotOf(rows.map((row) => ({ ...row, batch })))];
  }

  done({ rows }: Lot): void {
    for (const seq of rows) this.#sql.exec(`DELETE FROM ${this.#table} WHERE seq = ?`, seq);
  }

  /** To be tried again later and later; dropped when all of it is older than `keepMs`. */
  failed(lot: Lot, now: number): void {
    const { keepMs, retryFirstMs, retryLastMs } = this.#settings;
    const newest = Math.max(...lot.events.map(({ at }) => at));
    if (newest + keepMs <= now) {
      console.error(`dropped, as nobody took them: ${lot.events.map(({ id }) => id).join(", ")}`);
      return this.done(lot);
    }
    // A little of it is chance, so that many objects do not come back in step.
    const pause = Math.min(retryLastMs, retryFirstMs * 2 ** lot.tries) * (0.75 + Math.random() / 4);
    for (const seq of lot.rows)
      this.#update("SET tries = ?, due = ? WHERE seq = ?", lot.tries + 1, now + pause, seq);
  }

  /** When `take` has something again, in ms since 1970; undefined if nothing waits. */
  nextDue(lots: number): number | undefined {
    if (!this.exists) return undefined;
    const [next] = this.#rows(lots > 1 ? "ORDER BY due LIMIT 1" : "ORDER BY seq LIMIT 1");
    return next?.due;
  }

  #rows(where: string, ...values: SqlStorageValue[]): Row[] {
    return this.#sql.exec<Row>(`SELECT * FROM ${this.#table} ${where}`, ...values).toArray();
  }

  #update(what: string, ...values: SqlStorageValue[]): void {
    this.#sql.exec(`UPDATE ${this.#table} ${what}`, ...values);
  }
}

const lotOf = (rows: readonly Row[]): Lot => ({
  batch: rows[0]?.batch ?? "",
  events: rows.map(({ body }) => JSON.parse(body) as Event),
  rows: rows.map(({ seq }) => seq),
  tries: rows[0]?.tries ?? 0,
});
