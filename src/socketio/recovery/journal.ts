import { logError } from "../../platform/logger.ts";
import type { Message } from "../message.ts";
import { randomText } from "../random-text.ts";
import { JournalIndex, type BatchEntry } from "./journal-index.ts";
import type { Offset } from "./offset.ts";
import type { JournalView } from "./plan.ts";

/** The most that a journal holds. Beyond it the oldest eighth goes. */
const MOST = { rows: 50_000, chars: 32 * 1_048_576 };
/** A row has at most 2 MB (docs/platform.md P18), and a character of JSON up to three bytes. */
const PACKET_CHARS = 600_000;

/** Copies of a union come within moments, also where the channel of one room has died meanwhile. */
const UNION_MS = 60_000;

const KEY = "socketio:journal";
type Meta = { readonly epoch: string; readonly trimmed: JournalView["trimmed"] };
type Row = {
  readonly first: number;
  readonly count: number;
  readonly target: string;
  readonly logEpoch: string;
  readonly since: number;
  readonly unions: string | null;
};
type NewRow = Omit<Row, "first"> & { readonly packet: string | null };

/** A copy of a union: the channel that it came by, or the id of the one socket that it was for. */
export type Copy = { readonly channel: string; readonly place: number };

/** A batch of a channel without its place in the journal. */
export type Batch = Omit<BatchEntry, "first">;

/**
 * The deliveries of a shard, in order: a row for each batch of a channel, and a row for each event to one socket, with
 * the event itself (SPEC SO43).
 *
 * A row is written in the turn that sends its event, so the output gate lets no client see an offset that a crash could
 * undo. Nothing is stored before the first row.
 */
export class Journal {
  readonly #storage: DurableObjectStorage;
  readonly #most: typeof MOST;
  #meta: Meta | undefined;
  /** This life has looked at what is stored: most lives, as those of pings, need not. */
  #isOpen = false;
  #top = 0;
  #topBefore = 0;
  #rows = 0;
  #chars = 0;
  /** Made for the first session that needs it, and kept up to date from then on. */
  #index: JournalIndex | undefined;
  /** Of use until then, ms since 1970. */
  #unionsBefore:
    | { readonly copies: ReadonlyMap<string, readonly Copy[]>; readonly until: number }
    | undefined;

  constructor(storage: DurableObjectStorage, most = MOST) {
    this.#storage = storage;
    this.#most = most;
  }

  get isEmpty(): boolean {
    this.#open();
    return this.#rows === 0;
  }

  /** The place of the newest event. */
  get top(): number {
    this.#open();
    return this.#top;
  }

  /** The top at the beginning of this life: sessions that a crash has ended got nothing after it. */
  get topBefore(): number {
    this.#open();
    return this.#topBefore;
  }

  offsetAt(sequence: number): Offset {
    return { journalEpoch: this.#stored().epoch, sequence };
  }

  /** Answers with the place of the first event of the batch. */
  appendBatch(channel: string, { count, logEpoch, since, unions }: Batch, now: number): number {
    const row = { count, target: channel, logEpoch, since, packet: null };
    const first = this.#append({ ...row, unions: encodeUnions(unions) }, now);
    this.#index?.add(channel, { first, count, logEpoch, since, unions });
    return first;
  }

  /** Answers with the place of an event for one socket. Null: a place that no event has. */
  appendDirect(id: string, message: Message | null, now: number): number {
    const text = message === null ? null : JSON.stringify(message);
    // An event that no row holds cannot be recovered.
    const packet = text !== null && text.length > PACKET_CHARS ? "" : text;
    const unions = message?.union === undefined ? [] : [[0, message.union] as const];
    const row = { count: 1, target: id, logEpoch: "", since: 0, packet };
    const first = this.#append({ ...row, unions: encodeUnions(unions) }, now);
    this.#index?.add(id, { first, count: 1, logEpoch: "", since: 0, unions });
    return first;
  }

  /** The copies of a union that an earlier life of the shard has sent lately: the sessions of this one do not know of them. */
  copiesBefore(union: string): readonly Copy[] {
    const now = Date.now();
    this.#unionsBefore ??= { copies: this.#readUnionsBefore(now - UNION_MS), until: now + UNION_MS };
    if (now > this.#unionsBefore.until) this.#unionsBefore = { copies: new Map(), until: Infinity };
    return this.#unionsBefore.copies.get(union) ?? [];
  }

  /** The events for one socket after a place, oldest first; undefined where one of them was too large for a row. */
  direct(id: string, after: number): readonly Message[] | undefined {
    const texts = this.view()
      .index.after(id, after)
      .map(
        ({ first }) =>
          this.#storage.sql
            .exec<{ packet: string | null }>("SELECT packet FROM socketio_journal WHERE first = ?", first)
            .one().packet,
      )
      .filter((packet) => packet !== null);
    return texts.includes("") ? undefined : texts.map((text) => JSON.parse(text) as Message);
  }

  view(): JournalView {
    const { epoch, trimmed } = this.#stored();
    this.#index ??= this.#readIndex();
    return { epoch, top: this.#top, trimmed, index: this.#index };
  }

  /**
   * Removes what was sent before a time, ms since 1970. The last batch of a channel in use stays: it is the place of
   * its listeners.
   */
  trim(before: number, isInUse: (channel: string) => boolean): void {
    this.#open();
    if (this.#meta === undefined) return;
    const [last] = this.#storage.sql
      .exec<{ last: number; at: number }>(
        "SELECT first + count - 1 AS last, at FROM socketio_journal WHERE at < ? ORDER BY first DESC LIMIT 1",
        before,
      )
      .toArray();
    if (last === undefined) return;
    this.#trimUpTo(last);
    const kept = this.#storage.sql
      .exec<{ first: number; target: string }>(
        "SELECT first, target FROM socketio_journal WHERE first <= ?",
        last.last,
      )
      .toArray();
    for (const { first, target } of kept)
      if (!isInUse(target)) this.#storage.sql.exec("DELETE FROM socketio_journal WHERE first = ?", first);
    this.#count(this.#stored());
  }

  #append({ count, target, logEpoch, since, unions, packet }: NewRow, now: number): number {
    this.#stored();
    const first = this.#top + 1;
    this.#storage.sql.exec(
      "INSERT INTO socketio_journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      first,
      count,
      now,
      target,
      logEpoch,
      since,
      unions,
      packet,
    );
    this.#top += count;
    this.#rows += 1;
    this.#chars += (packet?.length ?? 0) + (unions?.length ?? 0);
    if (this.#isOver) this.#relieve();
    return first;
  }

  get #isOver(): boolean {
    return this.#rows > this.#most.rows || this.#chars > this.#most.chars;
  }

  #relieve(): void {
    for (let before = Infinity; this.#isOver && this.#rows < before;) {
      before = this.#rows;
      const [last] = this.#storage.sql
        .exec<{ last: number; at: number }>(
          `SELECT first + count - 1 AS last, at FROM socketio_journal
             WHERE first > ? ORDER BY first LIMIT 1 OFFSET ?`,
          this.#stored().trimmed.sequence,
          Math.floor(this.#rows / 8),
        )
        .toArray();
      if (last !== undefined) this.#trimUpTo(last);
      this.#count(this.#stored());
    }
    if (!this.#isOver) return;
    // More channels are in use than the journal has rows. No session of before is recovered (SPEC SO44).
    logError("the journal of Socket.IO has too many channels, and begins anew", { rows: this.#rows });
    const meta = { epoch: newEpoch(), trimmed: { sequence: this.#top, at: Date.now() } };
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec("DELETE FROM socketio_journal");
      this.#storage.kv.put(KEY, meta);
    });
    this.#meta = meta;
    this.#index = undefined;
    this.#count(meta);
  }

  /** In one transaction: what is gone and does not count as gone would be missed in silence. */
  #trimUpTo({ last, at }: { readonly last: number; readonly at: number }): void {
    const before = this.#stored();
    const isNews = last > before.trimmed.sequence;
    // The clock may have been set back.
    const meta = { ...before, trimmed: { sequence: last, at: Math.max(at, before.trimmed.at) } };
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(
        `DELETE FROM socketio_journal WHERE first <= ?1 AND (log_epoch = '' OR first NOT IN
           (SELECT MAX(first) FROM socketio_journal WHERE log_epoch <> '' GROUP BY target))`,
        last,
      );
      if (isNews) this.#storage.kv.put(KEY, meta);
    });
    if (!isNews) return;
    this.#meta = meta;
    this.#index = undefined;
  }

  #open(): void {
    if (this.#isOpen) return;
    const meta = this.#storage.kv.get<Meta>(KEY);
    if (meta !== undefined) this.#count(meta);
    this.#meta = meta;
    this.#topBefore = this.#top;
    // Only then: a journal that believed itself new would give places that it has given before.
    this.#isOpen = true;
  }

  /** Made with the first row. */
  #stored(): Meta {
    this.#open();
    if (this.#meta !== undefined) return this.#meta;
    this.#storage.sql.exec(
      `CREATE TABLE IF NOT EXISTS socketio_journal (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, at INTEGER NOT NULL,
         target TEXT NOT NULL, log_epoch TEXT NOT NULL, since INTEGER NOT NULL, unions TEXT, packet TEXT)`,
    );
    const meta = { epoch: newEpoch(), trimmed: { sequence: 0, at: 0 } };
    this.#storage.kv.put(KEY, meta);
    this.#meta = meta;
    return meta;
  }

  #count({ trimmed }: Meta): void {
    const { rows, chars, top } = this.#storage.sql
      .exec<{ rows: number; chars: number; top: number }>(
        `SELECT COUNT(*) AS rows, IFNULL(SUM(IFNULL(LENGTH(packet), 0) + IFNULL(LENGTH(unions), 0)), 0) AS chars,
           IFNULL(MAX(first + count - 1), 0) AS top FROM socketio_journal`,
      )
      .one();
    [this.#rows, this.#chars] = [rows, chars];
    this.#top = Math.max(this.#top, top, trimmed.sequence);
  }

  #readUnionsBefore(since: number): ReadonlyMap<string, readonly Copy[]> {
    const found = new Map<string, Copy[]>();
    this.#open();
    if (this.#meta === undefined || this.#topBefore === 0) return found;
    const rows = this.#storage.sql.exec<Pick<Row, "first" | "target" | "unions"> & { readonly at: number }>(
      "SELECT first, at, target, unions FROM socketio_journal WHERE first <= ? ORDER BY first DESC",
      this.#topBefore,
    );
    // Only the newest rows are read.
    for (const { first, at, target, unions } of rows) {
      if (at < since) break;
      for (const [n, union] of (JSON.parse(unions ?? "[]") as BatchEntry["unions"]).toReversed())
        found.set(union, [...(found.get(union) ?? []), { channel: target, place: first + n }]);
    }
    return found;
  }

  #readIndex(): JournalIndex {
    const index = new JournalIndex();
    const rows = this.#storage.sql.exec<Row>(
      `SELECT first, count, target, log_epoch AS logEpoch, since, unions FROM socketio_journal
         ORDER BY first`,
    );
    for (const { target, unions, ...entry } of rows)
      index.add(target, {
        ...entry,
        unions: unions === null ? [] : (JSON.parse(unions) as BatchEntry["unions"]),
      });
    return index;
  }
}

const encodeUnions = (unions: BatchEntry["unions"]): string | null =>
  unions.length === 0 ? null : JSON.stringify(unions);

/** 48 random bits: no other journal has this name. */
const newEpoch = (): string => randomText(6);
