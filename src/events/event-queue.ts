import { logError } from "../platform/logger.ts";
import type { Event } from "./event.ts";

/** Events that are sent together. A repetition has the same events under the same id. */
export type Batch = {
  /** Empty for a hook, which is told of one event at a time. */
  readonly id: string;
  readonly events: readonly Event[];
  /** The same as JSON texts, as they were stored. */
  readonly texts: readonly string[];
  readonly rows: readonly number[];
  /** The bytes of the events as they are stored. */
  readonly bytes: number;
  readonly tries: number;
};

export type RetrySettings = {
  /** The pause before the next attempt doubles from the first to the last. */
  readonly retryFirstMs: number;
  readonly retryLastMs: number;
  readonly keepMs: number;
};

/** How much may wait for one receiver. */
export type QueueBounds = { readonly queuedEvents: number; readonly queuedEventBytes: number };

type Settings = RetrySettings & QueueBounds & { readonly batchEvents: number };

type Row = { seq: number; body: string; at: number; batch: string | null; tries: number; due: number };

/** The events of one call in memory: a queue that has waited for long may hold more than an object can. */
const CALL_BYTES = 1_048_576;
/** A row holds 2 MB (docs/platform.md P18); the rest is room for its other columns. */
const EVENT_BYTES = 2_000_000;

/**
 * The events that one receiver has not taken yet, oldest first, in the storage of the object.
 *
 * The table is created with the first event, so an object without events has no table (SPEC HK5). A full queue drops
 * new events and counts them: those that wait keep their order and their batches (SPEC BD60).
 */
export class EventQueue {
  readonly #sql: SqlStorage;
  readonly #table: "hook_events" | "webhook_events";
  readonly #settings: Settings;
  #exists: boolean | undefined;
  /** The rows and their bytes; counted once in each life. */
  #held: { events: number; bytes: number } | undefined;
  #dropped = 0;

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

  /** How many events wait. */
  get size(): number {
    return this.exists ? this.#count().events : 0;
  }

  /** How many events this life of the object has dropped, because the queue was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** What is stored is not known any more: a transaction is undone. */
  reread(): void {
    this.#exists = undefined;
    this.#held = undefined;
  }

  /** When the oldest event that waits has happened, ms since 1970. */
  get oldestAt(): number | undefined {
    return this.exists ? this.#rows("ORDER BY seq LIMIT 1")[0]?.at : undefined;
  }

  /** Whether less than half of the queue is in use. */
  get hasRoom(): boolean {
    if (!this.exists) return true;
    const { events, bytes } = this.#count();
    return events * 2 < this.#settings.queuedEvents && bytes * 2 < this.#settings.queuedEventBytes;
  }

  /** Stores an event, as this text where there is one; false where the event was dropped instead. */
  add(event: Pick<Event, "id" | "at" | "type">, due: number, body = JSON.stringify(event)): boolean {
    const bytes = bytesOf(body);
    const held = this.exists ? this.#count() : { events: 0, bytes: 0 };
    const { queuedEvents, queuedEventBytes } = this.#settings;
    const isFull = held.events >= queuedEvents || held.bytes + bytes > queuedEventBytes;
    if (isFull || bytes > EVENT_BYTES) {
      this.#drop(event, bytes);
      return false;
    }
    if (!this.exists) {
      this.#sql.exec(
        `CREATE TABLE ${this.#table} (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, at INTEGER NOT NULL, batch TEXT, tries INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL)`,
      );
      this.#exists = true;
    }
    this.#sql.exec(`INSERT INTO ${this.#table} (body, at, due) VALUES (?, ?, ?)`, body, event.at, due);
    this.#held = { events: held.events + 1, bytes: held.bytes + bytes };
    return true;
  }

  /** The batch that is due at `now`, if it is the oldest: no event overtakes another. */
  takeOldest(now: number): Batch | undefined {
    if (!this.exists) return undefined;
    const [oldest] = this.#rows("ORDER BY seq LIMIT 1");
    if (oldest === undefined || oldest.due > now) return undefined;
    if (oldest.batch !== null) {
      const { batch, seq } = oldest;
      return batchOf(
        this.#page("WHERE seq >= ? ORDER BY seq", [seq], { isLast: (row) => row.batch !== batch }),
      );
    }
    const { batchEvents } = this.#settings;
    const rows = this.#page("WHERE batch IS NULL ORDER BY seq LIMIT ?", [batchEvents], {
      bytes: CALL_BYTES,
    });
    // The id is stored, so that a repetition has the same events under the same id (SPEC HK6).
    const batch = crypto.randomUUID();
    this.#update(`SET batch = ? WHERE seq <= ?`, batch, rows.at(-1)?.seq ?? 0);
    return batchOf(rows.map((row) => ({ ...row, batch })));
  }

  /**
   * The events after `seq` that are due at `now`, at most `most`, each as a batch of its own. An event that waits for
   * its next attempt does not delay the others.
   */
  takeDue(now: number, { after, most }: { readonly after: number; readonly most: number }): Batch[] {
    if (!this.exists) return [];
    const query = "WHERE seq > ? AND due <= ? ORDER BY seq LIMIT ?";
    return this.#page(query, [after, now, most], { bytes: CALL_BYTES }).map((row) => batchOf([row]));
  }

  done({ rows, bytes }: Batch): void {
    for (const seq of rows) this.#sql.exec(`DELETE FROM ${this.#table} WHERE seq = ?`, seq);
    const held = this.#held;
    if (held !== undefined) this.#held = { events: held.events - rows.length, bytes: held.bytes - bytes };
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

  /** The time at which the oldest event is due, in ms since 1970; undefined for an empty queue. */
  oldestDue(): number | undefined {
    return this.exists ? this.#rows("ORDER BY seq LIMIT 1")[0]?.due : undefined;
  }

  /** The time at which the next event is due, whatever its place in the queue. Reads the whole queue. */
  nextDue(): number | undefined {
    if (!this.exists) return undefined;
    const query = `SELECT MIN(due) AS due FROM ${this.#table}`;
    return this.#sql.exec<{ due: number | null }>(query).one().due ?? undefined;
  }

  /** A flood of lines would cost more than the events: the numbers of the lines are powers of two. */
  #drop({ type, id }: Pick<Event, "id" | "type">, bytes: number): void {
    this.#dropped += 1;
    if ((this.#dropped & (this.#dropped - 1)) !== 0) return;
    const { events } = this.#held ?? { events: 0 };
    const fields = { event: type, id, bytes, waiting: events, dropped: this.#dropped };
    logError("an event was dropped, because its receiver has too many waiting", fields);
  }

  #count(): { readonly events: number; readonly bytes: number } {
    this.#held ??= this.#sql
      .exec<{ events: number; bytes: number }>(
        `SELECT COUNT(*) AS events, IFNULL(SUM(LENGTH(CAST(body AS BLOB))), 0) AS bytes FROM ${this.#table}`,
      )
      .one();
    return this.#held;
  }

  /** Reads rows one by one until the answer is full; the first row fits always. */
  #page(
    where: string,
    values: readonly SqlStorageValue[],
    until: { readonly bytes?: number; readonly isLast?: (row: Row) => boolean },
  ): Row[] {
    const rows: Row[] = [];
    let bytes = 0;
    for (const row of this.#sql.exec<Row>(`SELECT * FROM ${this.#table} ${where}`, ...values)) {
      bytes += bytesOf(row.body);
      const isFull = until.bytes !== undefined && bytes > until.bytes;
      if (rows.length > 0 && (isFull || until.isLast?.(row) === true)) break;
      rows.push(row);
    }
    return rows;
  }

  #rows(where: string, ...values: SqlStorageValue[]): Row[] {
    return this.#sql.exec<Row>(`SELECT * FROM ${this.#table} ${where}`, ...values).toArray();
  }

  #update(what: string, ...values: SqlStorageValue[]): void {
    this.#sql.exec(`UPDATE ${this.#table} ${what}`, ...values);
  }
}

const bytesOf = (text: string): number => new TextEncoder().encode(text).byteLength;

const batchOf = (rows: readonly Row[]): Batch => ({
  id: rows[0]?.batch ?? "",
  events: rows.map(({ body }) => JSON.parse(body) as Event),
  texts: rows.map(({ body }) => body),
  rows: rows.map(({ seq }) => seq),
  bytes: rows.reduce((sum, { body }) => sum + bytesOf(body), 0),
  tries: rows[0]?.tries ?? 0,
});
