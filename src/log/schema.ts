/**
 * Each step brings a store of the version before to the next. A step is never changed once it is released, and the
 * release before it MUST be able to work with what the step leaves (SPEC CT3).
 */
const MIGRATIONS = [
  // The tables before these were never released.
  `DROP TABLE IF EXISTS log;
   DROP TABLE IF EXISTS listeners;
   CREATE TABLE log (id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL, top INTEGER NOT NULL, at INTEGER NOT NULL);
   CREATE TABLE publications (offset INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL);
   CREATE TABLE ids (id TEXT PRIMARY KEY, offset INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX ids_until ON ids (until);
   CREATE TABLE listeners (registration INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, region TEXT NOT NULL, heard INTEGER NOT NULL);`,
  `ALTER TABLE log ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE log ADD COLUMN version_epoch TEXT NOT NULL DEFAULT '';`,
  // `name` has the key of the shard's address: for the first front that is the object's name, as before.
  "ALTER TABLE listeners ADD COLUMN front TEXT NOT NULL DEFAULT 'centrifuge'",
  // The row of a publication has its id, and the version that the channel has with it; null in the rows of before.
  // `ids` has the ids without a publication's row, in the order in which they came, so that no index is needed.
  // `log.hidden`: every publication up to this offset was removed. `log.heard`: each listener has heard up to here.
  `ALTER TABLE publications ADD COLUMN id TEXT;
   ALTER TABLE publications ADD COLUMN until INTEGER;
   ALTER TABLE publications ADD COLUMN version INTEGER;
   ALTER TABLE publications ADD COLUMN version_epoch TEXT;
   ALTER TABLE log ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE log ADD COLUMN heard INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE ids RENAME TO ids_before;
   CREATE TABLE ids (n INTEGER PRIMARY KEY, id TEXT NOT NULL, offset INTEGER NOT NULL, until INTEGER NOT NULL);
   INSERT INTO ids (id, offset, until) SELECT id, offset, until FROM ids_before ORDER BY until;
   DROP TABLE ids_before;`,
];

/** What all steps together make of an empty store, in one (SPEC SM3): a new name is made at its first call. */
const FRESH = `DROP TABLE IF EXISTS log;
   DROP TABLE IF EXISTS listeners;
   CREATE TABLE log (id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL, top INTEGER NOT NULL, at INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 0, version_epoch TEXT NOT NULL DEFAULT '', hidden INTEGER NOT NULL DEFAULT 0, heard INTEGER NOT NULL DEFAULT 0);
   CREATE TABLE publications (offset INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL, id TEXT, until INTEGER, version INTEGER, version_epoch TEXT);
   CREATE TABLE ids (n INTEGER PRIMARY KEY, id TEXT NOT NULL, offset INTEGER NOT NULL, until INTEGER NOT NULL);
   CREATE TABLE listeners (registration INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, region TEXT NOT NULL, heard INTEGER NOT NULL, front TEXT NOT NULL DEFAULT 'centrifuge');`;

/** The statements that bring a store back to the schema of the release before; a release with a new schema leaves them. */
const BACK = "schemaBack";

/** Undoes the last step for release 0.2.0. MUST go when the next release no longer has to be rolled back to it. */
const UNDO = `UPDATE log SET
     version = IFNULL((SELECT version FROM publications ORDER BY offset DESC LIMIT 1), version),
     version_epoch = IFNULL((SELECT version_epoch FROM publications ORDER BY offset DESC LIMIT 1), version_epoch),
     at = IFNULL((SELECT at FROM publications ORDER BY offset DESC LIMIT 1), at),
     top = MAX(top, IFNULL((SELECT MAX(offset) FROM publications), 0));
   ALTER TABLE ids RENAME TO ids_after;
   CREATE TABLE ids (id TEXT PRIMARY KEY, offset INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX ids_until ON ids (until);
   INSERT OR REPLACE INTO ids SELECT id, offset, until FROM ids_after ORDER BY n;
   INSERT OR REPLACE INTO ids SELECT id, offset, until FROM publications
     WHERE id IS NOT NULL AND at > (SELECT at FROM log) - 300000 ORDER BY offset;
   DROP TABLE ids_after;
   ALTER TABLE publications RENAME TO publications_after;
   CREATE TABLE publications (offset INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL);
   INSERT INTO publications SELECT offset, at, body FROM publications_after
     WHERE offset > (SELECT hidden FROM log) AND body <> '';
   DROP TABLE publications_after;
   UPDATE listeners SET heard = MAX(heard, IFNULL((SELECT heard FROM log), 0));
   ALTER TABLE log DROP COLUMN heard;
   ALTER TABLE log DROP COLUMN hidden;`;

/** Whether the tables of a log are made. */
export const isStored = (storage: DurableObjectStorage): boolean =>
  storage.kv.get<number>("schema") !== undefined;

/**
 * Makes the tables of a log what this release expects. A store of the next release is brought back by the statements
 * that the next release has left in it (SPEC CT3); a compatible store without such statements is left alone.
 */
export function migrate(storage: DurableObjectStorage): void {
  const version = storage.kv.get<number>("schema") ?? 0;
  if (version === MIGRATIONS.length) return;
  const back = version > MIGRATIONS.length ? storage.kv.get<string>(BACK) : undefined;
  if (version > MIGRATIONS.length && back === undefined) return;
  storage.transactionSync(() => {
    for (const step of stepsFrom(version, back)) storage.sql.exec(step);
    storage.kv.put("schema", MIGRATIONS.length);
    if (back === undefined) storage.kv.put(BACK, UNDO);
    else storage.kv.delete(BACK);
  });
}

/** The statements that make a store of this version what this release expects; `back`: those that a newer release has left. */
function stepsFrom(version: number, back: string | undefined): readonly string[] {
  if (back !== undefined) return [back];
  return version === 0 ? [FRESH] : MIGRATIONS.slice(version);
}
