import { logError } from "../platform/logger.ts";
import type { Event } from "./event.ts";

/** Events that are sent together. A repetition has the same events under the same id. */
export type Batch = {
  /** Empty for a hook, which is told of one event at a time. */
  readonly id: string;
  readonly events: readonly Event[];
  readonly rows: readonly number[];
  readonly tries: number;
};

export type RetrySettings = {
  /** The pause before the next attempt doubles from the first to the last. */
  readonly retryFirstMs: number;
  readonly retryLastMs: number;
  readonly keepMs: number;
};

type Settings = RetrySettings & { readonly batchEvents: number };

type Row = { seq: number; body: string; at: number; batch: string | null; tries: number; due: number };

/**
 * The events that one receiver has not taken yet, oldest first, in the storage of the object.
 *
 * The table is created with the first event, so an object without events has no table (SPEC HK5).
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
   * The batches that are due at `now`, at most `most`.
   *
   * With `most` = 1 the oldest batch comes first, and no event overtakes it. With more, each event is a batch of its
   * own, and a batch that waits for its next attempt does not delay the others.
   */
  take(now: number, most: number): Batch[] {
    if (!this.exists) return [];
    if (most > 1)
      return this.#rows("WHERE due <= ? ORDER BY seq LIMIT ?", now, most).map((row) => batchOf([row]));
    const [oldest] = this.#rows("ORDER BY seq LIMIT 1");
    if (oldest === undefined || oldest.due > now) return [];
    if (oldest.batch !== null) return [batchOf(this.#rows("WHERE batch = ? ORDER BY seq", oldest.batch))];
    const rows = this.#rows("WHERE batch IS NULL ORDER BY seq LIMIT ?", this.#settings.batchEvents);
    // The id is stored, so that a repetition has the same events under the same id (SPEC HK6).
    const batch = crypto.randomUUID();
    this.#update(`SET batch = ? WHERE seq <= ?`, batch, rows.at(-1)?.seq ?? 0);
    return [batchOf(rows.map((row) => ({ ...row, batch })))];
  }

  done({ rows }: Batch): void {
    for (const seq of rows) this.#sql.exec(`DELETE FROM ${this.#table} WHERE seq = ?`, seq);
  }

  /** Schedules the next attempt, or drops the batch if all its events are older than `keepMs`. */
  failed(batch: Batch, now: number): void {
    const { keepMs, retryFirstMs, retryLastMs } = this.#settings;
    const newest = Math.max(...batch.events.map(({ at }) => at));
    if (newest + keepMs <= now) {
      const events = batch.events.map(({ id }) => id);
      logError("events were dropped, because their receiver has not taken them in time", { events });
      return this.done(batch);
    }
    // Chance is a part of the pause, so that many objects do not try at the same moment.
    const pause = Math.min(retryLastMs, retryFirstMs * 2 ** batch.tries) * (0.75 + Math.random() / 4);
    for (const seq of batch.rows)
      this.#update("SET tries = ?, due = ? WHERE seq = ?", batch.tries + 1, now + pause, seq);
  }

  /** The time at which `take` has a batch again, in ms since 1970; undefined for an empty queue. */
  nextDue(most: number): number | undefined {
    if (!this.exists) return undefined;
    const [next] = this.#rows(most > 1 ? "ORDER BY due LIMIT 1" : "ORDER BY seq LIMIT 1");
    return next?.due;
  }

  #rows(where: string, ...values: SqlStorageValue[]): Row[] {
    return this.#sql.exec<Row>(`SELECT * FROM ${this.#table} ${where}`, ...values).toArray();
  }

  #update(what: string, ...values: SqlStorageValue[]): void {
    this.#sql.exec(`UPDATE ${this.#table} ${what}`, ...values);
  }
}

const batchOf = (rows: readonly Row[]): Batch => ({
  id: rows[0]?.batch ?? "",
  events: rows.map(({ body }) => JSON.parse(body) as Event),
  rows: rows.map(({ seq }) => seq),
  tries: rows[0]?.tries ?? 0,
});
