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
];

/** The statements that bring a store back to the schema of the release before; a release with a new schema leaves them. */
const BACK = "schemaBack";

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
    for (const step of back === undefined ? MIGRATIONS.slice(version) : [back]) storage.sql.exec(step);
    storage.kv.put("schema", MIGRATIONS.length);
    if (back !== undefined) storage.kv.delete(BACK);
  });
}
