export type Version = { readonly number: number; readonly epoch: string };

/** The newest publication, or what is remembered of it. `version`: the running one. */
export type End = { readonly top: number; readonly at: number; readonly version: Version };

/** A log as it is stored. `first`: the offset of the oldest row, one above the top where there is no row. */
export type StoredLog = {
  readonly logEpoch: string;
  readonly end: End;
  readonly first: number;
  /** Every publication up to this offset was removed, and may still have a row. */
  readonly hidden: number;
};

type LogRow = {
  epoch: string;
  top: number;
  at: number;
  version: number;
  version_epoch: string;
  hidden: number;
};
type LastRow = { offset: number; at: number; version: number | null; version_epoch: string | null };

/** Reads the row of a log, or makes it. The newest publication's row, if there is one, knows the end of the log better. */
export function openLogRow(
  sql: SqlStorage,
  made: { readonly logEpoch: string; readonly now: number },
): StoredLog {
  sql.exec(
    "INSERT INTO log (id, epoch, top, at) VALUES (1, ?, 0, ?) ON CONFLICT DO NOTHING",
    made.logEpoch,
    made.now,
  );
  const log = sql.exec<LogRow>("SELECT epoch, top, at, version, version_epoch, hidden FROM log").one();
  const [last] = sql
    .exec<LastRow>("SELECT offset, at, version, version_epoch FROM publications ORDER BY offset DESC LIMIT 1")
    .toArray();
  const [first] = sql
    .exec<{ offset: number }>("SELECT offset FROM publications ORDER BY offset LIMIT 1")
    .toArray();
  const version = { number: last?.version ?? log.version, epoch: last?.version_epoch ?? log.version_epoch };
  const end = { top: last?.offset ?? log.top, at: last?.at ?? log.at, version };
  return { logEpoch: log.epoch, end, first: first?.offset ?? end.top + 1, hidden: log.hidden };
}

/** Stores the end of a log. MUST be done before the row of the newest publication goes. */
export function saveEnd(sql: SqlStorage, { top, at, version }: End, hidden: number): void {
  sql.exec(
    "UPDATE log SET top = ?, at = ?, version = ?, version_epoch = ?, hidden = ?",
    top,
    at,
    version.number,
    version.epoch,
    hidden,
  );
}

/** The row of a log that is forgotten, and begins again under another epoch. */
export const beginAnew = (sql: SqlStorage, logEpoch: string, now: number): void =>
  void sql.exec(
    "UPDATE log SET epoch = ?, top = 0, at = ?, version = 0, version_epoch = '', hidden = 0, heard = 0",
    logEpoch,
    now,
  );
