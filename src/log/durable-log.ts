import type { HistoryQuery, HistoryResult } from "../contracts/log.ts";
import type { Publication } from "../contracts/publication.ts";
import type { Log } from "./log.ts";

export type LogLimits = {
  /** How many publications are kept, and for how long. */
  readonly size: number;
  readonly ttlMs: number;
  /** How long the top is remembered after the last publication, while no shard listens. */
  readonly metaTtlMs: number;
};

/** A row holds at most 2 MB (platform limit); the rest is room for its other columns. */
const MAX_BODY_BYTES = 2_000_000;
/** How long an id answers for its publication (SPEC LG4). */
export const ID_TTL_MS = 300_000;

/** The log of a channel whose namespace keeps history, in the object's own SQLite. */
export function openDurableLog(
  storage: DurableObjectStorage,
  options: { readonly limits: LogLimits; readonly newEpoch: () => string; readonly now: number },
): Log {
  const { sql } = storage;
  const { limits } = options;
  sql.exec(
    "INSERT INTO log (id, epoch, top, at) VALUES (1, ?, 0, ?) ON CONFLICT DO NOTHING",
    options.newEpoch(),
    options.now,
  );
  const row = sql.exec<LogRow>("SELECT epoch, top, version, version_epoch FROM log").one();
  let logEpoch = row.epoch;
  let { top } = row;
  let version = { number: row.version, epoch: row.version_epoch };

  const read = (query: string, ...values: SqlStorageValue[]): Publication[] =>
    sql
      .exec<{ offset: number; body: string }>(`SELECT offset, body FROM publications ${query}`, ...values)
      .toArray()
      .map(({ offset, body }) => ({ kind: "pub", offset, body }));

  return {
    durable: true,
    get logEpoch() {
      return logEpoch;
    },
    get top() {
      return top;
    },
    append(publication, now) {
      const { id, body } = publication;
      const known = sql
        .exec<{ offset: number }>("SELECT offset FROM ids WHERE id = ? AND until > ?", id, now)
        .toArray()[0];
      if (known !== undefined) return { offset: known.offset, logEpoch, refused: null, repeated: true };
      // As in Centrifuge's brokers, a version is one of what is kept.
      const newer = publication.passing === true ? version : (publication.version ?? version);
      // Without an epoch of its own a version is compared with whatever the channel has (Centrifuge's brokers).
      const comparable = newer.epoch === "" || newer.epoch === version.epoch;
      if (newer !== version && comparable && newer.number <= version.number) {
        return { offset: top, logEpoch, refused: null, repeated: true };
      }
      // Cheap first: a character has one to three bytes.
      if (body.length * 3 > MAX_BODY_BYTES && new TextEncoder().encode(body).byteLength > MAX_BODY_BYTES) {
        return { offset: 0, logEpoch, refused: "tooLarge", repeated: false };
      }
      if (publication.passing === true) {
        sql.exec("INSERT OR REPLACE INTO ids VALUES (?, 0, ?)", id, now + ID_TTL_MS);
        return { offset: 0, logEpoch, refused: null, repeated: false };
      }
      const offset = top + 1;
      storage.transactionSync(() => {
        sql.exec("INSERT INTO publications VALUES (?, ?, ?)", offset, now, body);
        sql.exec("INSERT OR REPLACE INTO ids VALUES (?, ?, ?)", id, offset, now + ID_TTL_MS);
        sql.exec("UPDATE log SET top = ?, at = ?", offset, now);
        if (newer !== version)
          sql.exec("UPDATE log SET version = ?, version_epoch = ?", newer.number, newer.epoch);
        sql.exec("DELETE FROM publications WHERE offset <= ?", offset - limits.size);
      });
      // Only what is stored is believed: a write that threw has changed nothing.
      top = offset;
      version = newer;
      return { offset, logEpoch, refused: null, repeated: false };
    },
    after: (offset, limit) => read("WHERE offset > ? ORDER BY offset LIMIT ?", offset, limit),
    view: (after, limit) => ({
      logEpoch,
      top,
      publications: read("WHERE offset > ? ORDER BY offset DESC LIMIT ?", after, limit).toReversed(),
    }),
    history: (query, max) => ({ logEpoch, top, ...history(query, { logEpoch, top, max, read }) }),
    clear: () => void sql.exec("DELETE FROM publications"),
    expire(now, { inUse }) {
      sql.exec("DELETE FROM publications WHERE at <= ?", now - limits.ttlMs);
      sql.exec("DELETE FROM ids WHERE until <= ?", now);
      const { at } = sql.exec<{ at: number }>("SELECT at FROM log").one();
      // An id answers with an offset of its log, and so the log outlives it.
      const ids = sql.exec("SELECT 1 FROM ids LIMIT 1").toArray().length;
      if (!inUse && top > 0 && at + limits.metaTtlMs <= now && ids === 0) {
        const renewed = options.newEpoch();
        sql.exec("UPDATE log SET epoch = ?, top = 0, at = ?, version = 0, version_epoch = ''", renewed, now);
        [logEpoch, top] = [renewed, 0];
        version = { number: 0, epoch: "" };
        return undefined;
      }
      return nextExpiry(sql, limits, top === 0 ? undefined : Math.max(at + limits.metaTtlMs, now + 60_000));
    },
  };
}

type LogRow = { epoch: string; top: number; version: number; version_epoch: string };

function nextExpiry(sql: SqlStorage, limits: LogLimits, forgetAt: number | undefined): number | undefined {
  const oldest = sql.exec<{ at: number | null }>("SELECT MIN(at) AS at FROM publications").one().at;
  const id = sql.exec<{ until: number | null }>("SELECT MIN(until) AS until FROM ids").one().until;
  const times = [oldest === null ? undefined : oldest + limits.ttlMs, id ?? undefined, forgetAt];
  const due = times.filter((time) => time !== undefined);
  return due.length === 0 ? undefined : Math.min(...due);
}

function history(
  { limit, reverse, since }: HistoryQuery,
  log: {
    readonly logEpoch: string;
    readonly top: number;
    readonly max: number;
    readonly read: (query: string, ...values: SqlStorageValue[]) => Publication[];
  },
): Pick<HistoryResult, "publications" | "refused"> {
  if (since !== null && since.logEpoch !== "" && since.logEpoch !== log.logEpoch) {
    return { publications: [], refused: "unrecoverablePosition" };
  }
  if (reverse && since?.offset === 0) return { publications: [], refused: "badRequest" };
  if (limit === 0) return { publications: [], refused: null };
  const most = limit < 0 ? log.max : Math.min(limit, log.max);
  const publications = reverse
    ? log.read("WHERE offset < ? ORDER BY offset DESC LIMIT ?", since?.offset ?? log.top + 1, most)
    : log.read("WHERE offset > ? ORDER BY offset LIMIT ?", since?.offset ?? 0, most);
  return { publications, refused: null };
}
