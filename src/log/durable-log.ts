import type { PublishRequest } from "../contracts/log.ts";
import { MAX_BODY_BYTES } from "../contracts/publication.ts";
import { readKeptIds, readOtherIds, remember, runOutOf, type KnownId, type KnownIds } from "./known-ids.ts";
import { LAPSED_ID } from "./lapsed-log.ts";
import { beginAnew, openLogRow, saveEnd, type End, type Version } from "./log-row.ts";
import type { Appended, Log, LogOptions } from "./log.ts";
import { readHistory, readOldest, readPublications } from "./read-log.ts";

/** How long an id answers for its publication: a client's key, and an id that we made for our retries (SPEC LG4). */
export const ID_TTL_MS = 300_000;
export const RETRY_ID_TTL_MS = 60_000;
/** Bodies that are kept for the sake of their ids alone take up no more than this. */
const HIDDEN_BYTES = 256 * 1_048_576;
/** Rows that run out within a quarter of their time to live, but five minutes or an hour, are removed together. */
const TOGETHER_MOST_MS = 3_600_000;

/** A change of the rows: those up to `hidden` are hidden, and those up to `removed` are removed. */
type Trim = { readonly hidden: number; readonly removed: number };

/**
 * The log of a channel whose namespace keeps history, in the object's own SQLite.
 *
 * A publication costs one row, and the removal of the row another (SPEC BD2). The row has the id, so it stays, hidden,
 * while its id holds. The row also has the running version; the row of `log` has top and version from the time at which
 * the last publication is removed. Rows are hidden and removed from the oldest on, so they are contiguous. Only what is
 * stored is believed: a write that threw has changed nothing.
 */
class DurableLog implements Log {
  readonly durable = true;
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #limits: LogOptions["limits"];
  readonly #newEpoch: () => string;
  /** The ids in the rows of publications, and the ids in rows of their own. */
  readonly #keptIds: KnownIds;
  readonly #otherIds: KnownIds;
  #logEpoch: string;
  #end: End;
  /** The offset of the oldest row; one above the top where there is no row. */
  #first: number;
  /** No publication up to this offset is shown: it was trimmed or removed, or has run out. */
  #hidden: number;
  #hiddenBytes: number;
  #isForgotten = false;
  /** The oldest publication that is shown runs out then, or later. */
  #shownUntil = 0;

  constructor(storage: DurableObjectStorage, { limits, newEpoch, logEpoch = newEpoch(), now }: LogOptions) {
    const { sql } = storage;
    this.#storage = storage;
    this.#sql = sql;
    this.#limits = limits;
    this.#newEpoch = newEpoch;
    const stored = openLogRow(sql, { logEpoch, now });
    this.#logEpoch = stored.logEpoch;
    this.#end = stored.end;
    this.#first = stored.first;
    this.#hidden = Math.max(stored.hidden, this.#first - 1, this.top - limits.size);
    this.#hiddenBytes = this.#bytesOf(this.#first - 1, this.#hidden);
    this.#keptIds = readKeptIds(sql, now - ID_TTL_MS);
    this.#otherIds = readOtherIds(sql);
    // The namespace keeps history again.
    if (this.#otherIds.delete(LAPSED_ID)) sql.exec("DELETE FROM ids WHERE id = ?", LAPSED_ID);
  }

  get logEpoch(): string {
    return this.#logEpoch;
  }

  get top(): number {
    return this.#end.top;
  }

  get isForgotten(): boolean {
    return this.#isForgotten;
  }

  append(publication: PublishRequest, now: number): Appended {
    const { id, body } = publication;
    const logEpoch = this.#logEpoch;
    const known = this.#holds(id, now);
    if (known !== undefined) return { offset: known.offset, logEpoch, refused: null, repeated: true };
    const version = nextVersion(this.#end.version, publication);
    if (version === undefined) return { offset: this.top, logEpoch, refused: null, repeated: true };
    // Cheap first: a character has one to three bytes.
    if (body.length * 3 > MAX_BODY_BYTES && new TextEncoder().encode(body).byteLength > MAX_BODY_BYTES) {
      return { offset: 0, logEpoch, refused: "tooLarge", repeated: false };
    }
    const until = now + (publication.forRetries === true ? RETRY_ID_TTL_MS : ID_TTL_MS);
    if (publication.passing === true) {
      const { row } = this.#sql
        .exec<{ row: number }>(
          "INSERT INTO ids (id, offset, until) VALUES (?, 0, ?) RETURNING n AS row",
          id,
          until,
        )
        .one();
      this.#isForgotten = false;
      remember(this.#otherIds, id, { row, offset: 0, until });
      return { offset: 0, logEpoch, refused: null, repeated: false };
    }
    const offset = this.top + 1;
    const trim = this.#planTrim(now, offset - this.#limits.size);
    const write = (): number => {
      const bytes = this.#trim(trim);
      this.#sql.exec(
        "INSERT INTO publications (offset, at, body, id, until, version, version_epoch) VALUES (?, ?, ?, ?, ?, ?, ?)",
        offset,
        now,
        body,
        id,
        until,
        version.number,
        version.epoch,
      );
      return bytes;
    };
    // One write needs no transaction, which would take as long as the write itself.
    const hiddenBytes = this.#onlyHides(trim) ? write() : this.#storage.transactionSync(write);
    this.#isForgotten = false;
    remember(this.#keptIds, id, { row: offset, offset, until });
    this.#end = { top: offset, at: now, version };
    this.#trimmed(trim, hiddenBytes);
    return { offset, logEpoch, refused: null, repeated: false };
  }

  appendAll(
    publications: readonly PublishRequest[],
    now: number,
    also?: (appended: readonly Appended[]) => void,
  ): readonly Appended[] {
    if (publications.length === 1 && also === undefined)
      return publications.map((one) => this.append(one, now));
    const before = [this.#end, this.#first, this.#hidden, this.#hiddenBytes, this.#isForgotten] as const;
    const added = publications.filter(({ id }) => this.#holds(id, now) === undefined);
    try {
      return this.#storage.transactionSync(() => {
        const appended = publications.map((one) => this.append(one, now));
        also?.(appended);
        return appended;
      });
    } catch (error) {
      [this.#end, this.#first, this.#hidden, this.#hiddenBytes, this.#isForgotten] = before;
      for (const { id } of added) for (const ids of [this.#keptIds, this.#otherIds]) ids.delete(id);
      throw error;
    }
  }

  #holds(id: string, now: number): KnownId | undefined {
    const known = this.#keptIds.get(id) ?? this.#otherIds.get(id);
    return known !== undefined && known.until > now ? known : undefined;
  }

  after: Log["after"] = (offset, most) => {
    const values = [Math.max(offset, this.#hidden)];
    return readPublications(this.#sql, "WHERE offset > ? ORDER BY offset", { values, most });
  };

  view: Log["view"] = (after, { now, ...most }) => {
    this.#hideRunOut(now);
    const values = [Math.max(after, this.#hidden)];
    const newest = readPublications(this.#sql, "WHERE offset > ? ORDER BY offset DESC", { values, most });
    return { logEpoch: this.#logEpoch, top: this.top, publications: newest.toReversed() };
  };

  history: Log["history"] = (query, { now, ...most }) => {
    this.#hideRunOut(now);
    const logEpoch = this.#logEpoch;
    const found = readHistory(this.#sql, query, { logEpoch, hidden: this.#hidden, most });
    return { logEpoch, top: this.top, ...found };
  };

  clear(now: number): void {
    if (this.#hidden >= this.top) return;
    const trim = this.#planTrim(now, this.top);
    const hiddenBytes = this.#storage.transactionSync(() => {
      saveEnd(this.#sql, this.#end, trim.hidden);
      return this.#trim(trim);
    });
    this.#trimmed(trim, hiddenBytes);
  }

  expire(now: number, { inUse }: { readonly inUse: boolean }): number | undefined {
    this.#hideRunOut(now);
    const trim = this.#planTrim(now, 0);
    const ranOut = runOutOf(this.#otherIds, now);
    const isEmpty = trim.removed >= this.top && ranOut.length === this.#otherIds.size;
    const forgets = !inUse && !this.#isForgotten && isEmpty && this.#end.at + this.#limits.metaTtlMs <= now;
    const logEpoch = forgets ? this.#newEpoch() : this.#logEpoch;
    const hiddenBytes = this.#storage.transactionSync(() => {
      // Before the last row goes.
      if (this.#first <= this.top && trim.removed >= this.top) saveEnd(this.#sql, this.#end, trim.hidden);
      if (forgets) beginAnew(this.#sql, logEpoch, now);
      const lastRow = ranOut.at(-1)?.[1].row;
      if (lastRow !== undefined) this.#sql.exec("DELETE FROM ids WHERE n <= ?", lastRow);
      return this.#trim(trim);
    });
    this.#trimmed(trim, hiddenBytes);
    for (const [id] of ranOut) this.#otherIds.delete(id);
    if (!forgets) return this.#dueAt(now, { inUse });
    this.#logEpoch = logEpoch;
    this.#end = { top: 0, at: now, version: { number: 0, epoch: "" } };
    [this.#first, this.#hidden] = [1, 0];
    this.#isForgotten = true;
    return undefined;
  }

  dueAfterAppend(now: number): number {
    const { ttlMs } = this.#limits;
    const waits = this.#first <= this.#hidden || this.#otherIds.size > 0;
    return now + Math.min(Math.max(ttlMs, togetherMs(ttlMs)), waits ? ID_TTL_MS : Infinity);
  }

  #dueAt(now: number, { inUse }: { readonly inUse: boolean }): number | undefined {
    const { ttlMs, metaTtlMs } = this.#limits;
    const times: number[] = [];
    if (this.#first <= this.#hidden || this.#otherIds.size > 0) times.push(now + ID_TTL_MS);
    if (this.#hidden < this.top) times.push(Math.max(this.#shownUntil, now + togetherMs(ttlMs)));
    if (times.length === 0 && !inUse && !this.#isForgotten) times.push(this.#end.at + metaTtlMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Hides what has run out by age. */
  #hideRunOut(now: number): void {
    if (now < this.#shownUntil || this.#hidden >= this.top) return;
    const oldest = readOldest(this.#sql, { after: this.#hidden, since: now - this.#limits.ttlMs });
    const hidden = (oldest?.offset ?? this.top + 1) - 1;
    this.#hiddenBytes += this.#bytesOf(this.#hidden, hidden);
    this.#hidden = hidden;
    this.#shownUntil = oldest === undefined ? 0 : oldest.at + this.#limits.ttlMs;
  }

  /** A row goes when it is hidden and neither its id nor that of an older row holds. */
  #planTrim(now: number, hideUpTo: number): Trim {
    for (const [id] of runOutOf(this.#keptIds, now)) this.#keptIds.delete(id);
    const [oldest] = this.#keptIds.values();
    const hidden = Math.max(this.#hidden, hideUpTo);
    return { hidden, removed: Math.min(hidden, (oldest?.row ?? Infinity) - 1) };
  }

  /** Whether a trim certainly writes nothing. */
  #onlyHides({ hidden, removed }: Trim): boolean {
    const mostBytes = this.#hiddenBytes + (hidden - this.#hidden) * MAX_BODY_BYTES;
    return removed < this.#first && mostBytes <= HIDDEN_BYTES;
  }

  /** Answers with the bytes of the hidden bodies after it. MUST be in a transaction, unless it writes nothing. */
  #trim({ hidden, removed }: Trim): number {
    let bytes = this.#hiddenBytes + this.#bytesOf(Math.max(this.#hidden, removed), hidden);
    if (removed >= this.#first) {
      const rows = this.#sql.exec<{ offset: number; bytes: number }>(
        "DELETE FROM publications WHERE offset <= ? RETURNING offset, octet_length(body) AS bytes",
        removed,
      );
      for (const row of rows) if (row.offset <= this.#hidden) bytes -= row.bytes;
    }
    if (bytes <= HIDDEN_BYTES) return bytes;
    this.#sql.exec("UPDATE publications SET body = '' WHERE offset <= ? AND octet_length(body) > 0", hidden);
    return 0;
  }

  #trimmed({ hidden, removed }: Trim, hiddenBytes: number): void {
    this.#hidden = hidden;
    this.#hiddenBytes = hiddenBytes;
    this.#first = Math.max(this.#first, removed + 1);
  }

  #bytesOf(after: number, upTo: number): number {
    if (upTo <= after) return 0;
    return this.#sql
      .exec<{ bytes: number }>(
        "SELECT IFNULL(SUM(octet_length(body)), 0) AS bytes FROM publications WHERE offset > ? AND offset <= ?",
        after,
        upTo,
      )
      .one().bytes;
  }
}

/** Opens the log of an object's storage, whose tables are made. */
export const openDurableLog = (storage: DurableObjectStorage, options: LogOptions): Log =>
  new DurableLog(storage, options);

const togetherMs = (ttlMs: number): number => Math.min(Math.max(ID_TTL_MS, ttlMs / 4), TOGETHER_MOST_MS);

/** The version that the channel has with a publication; undefined where it has that version, or a newer one, already. */
function nextVersion(present: Version, { version: next, passing }: PublishRequest): Version | undefined {
  // As in Centrifuge's brokers, a version is one of what is kept.
  if (next === undefined || passing === true) return present;
  // Without an epoch of its own a version is compared with whatever the channel has (Centrifuge's brokers).
  const comparable = next.epoch === "" || next.epoch === present.epoch;
  return comparable && next.number <= present.number ? undefined : next;
}
