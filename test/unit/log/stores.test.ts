import { describe, expect, test } from "vitest";
import { ID_TTL_MS, openDurableLog } from "../../../src/log/durable-log.ts";
import type { Log } from "../../../src/log/log.ts";
import { migrate } from "../../../src/log/schema.ts";
import { SimStorage } from "../../sim/storage.ts";
import { durable, LIMITS } from "./durable.ts";
import { ALL_OF_IT, allAt, offsetsOf, publish, START } from "./log-contract.ts";

describe("the store of a durable log", () => {
  test("[CT3] the statements for a rollback bring a store back with its publications, its ids, its top and its version", () => {
    const { log, storage, restart } = durable();
    for (const id of ["a", "b"]) publish(log, id);
    log.clear(START);
    log.append({ id: "c", body: "{}", version: { number: 7, epoch: "v" } }, START);
    log.append({ id: "p", body: "{}", passing: true }, START);
    storage.query(`${String(storage.kv.get("schemaBack"))}\n`);
    storage.kv.put("schema", 3);
    const rows = (table: string) => storage.query(`SELECT * FROM ${table}`);
    const back = { epoch: "e1", top: 3, at: START, version: 7, version_epoch: "v" };
    expect(rows("log")).toEqual([{ id: 1, ...back }]);
    expect(rows("publications")).toEqual([{ offset: 3, at: START, body: "{}" }]);
    const until = START + ID_TTL_MS;
    expect(rows("ids")).toEqual(
      [
        ["a", 1],
        ["b", 2],
        ["c", 3],
        ["p", 0],
      ].map(([id, offset]) => ({ id, offset, until })),
    );
    // And forward again, after a life of the older release.
    storage.query("INSERT INTO publications VALUES (?, ?, ?)", 4, START, "{}");
    storage.query("UPDATE log SET top = 4");
    const woken = restart(START);
    expect(offsetsOf(woken.view(0, allAt(START)).publications)).toEqual([3, 4]);
    expect(publish(woken, "a")).toMatchObject({ offset: 1, repeated: true });
    const old = { id: "d", body: "{}", version: { number: 7, epoch: "v" } };
    expect(woken.append(old, START)).toMatchObject({ offset: 4, repeated: true });
    expect(publish(woken, "e")).toMatchObject({ offset: 5, repeated: false });
  });

  test("[CT3] a store of a later release is left alone", () => {
    const storage = new SimStorage();
    storage.kv.put("schema", 99);
    migrate(storage as unknown as DurableObjectStorage);
    expect(storage.query("SELECT name FROM sqlite_schema")).toEqual([]);
    expect(storage.kv.get("schema")).toBe(99);
  });

  test("[CT3] a store of the next release is brought back by the statements that it has left", () => {
    const storage = new SimStorage();
    const platform = storage as unknown as DurableObjectStorage;
    migrate(platform);
    const schema = storage.kv.get("schema");
    storage.query("ALTER TABLE publications ADD COLUMN later TEXT");
    storage.kv.put("schema", 99);
    storage.kv.put(
      "schemaBack",
      "UPDATE publications SET body = later;\nALTER TABLE publications DROP COLUMN later;\n",
    );
    storage.query(`INSERT INTO publications (offset, at, body, later) VALUES (1, ${START}, '', '{}')`);
    storage.query(`INSERT INTO log (id, epoch, top, at) VALUES (1, 'e', 1, ${START})`);
    migrate(platform);
    expect([storage.kv.get("schema"), storage.kv.get("schemaBack")]).toEqual([schema, undefined]);
    const log = openDurableLog(platform, { limits: LIMITS, newEpoch: () => "e", now: START });
    expect(log.after(0, ALL_OF_IT)).toEqual([{ kind: "pub", offset: 1, body: "{}" }]);
    expect(publish(log, "a")).toMatchObject({ offset: 2, refused: null });
  });

  test("[CT1] a store of contract 1 is expanded, and keeps its publications", () => {
    const { storage, log } = storeOfContract1();
    expect(log).toMatchObject({ top: 2, logEpoch: "old" });
    expect(offsetsOf(log.after(0, ALL_OF_IT))).toEqual([1, 2]);
    expect(storage.query("SELECT front, name FROM listeners")).toEqual([
      { front: "centrifuge", name: "weur/weur-1" },
    ]);
  });
});

describe("[SM3] a new store", () => {
  test("has the schema, to the letter, and the way back of a store that was migrated step by step", () => {
    const [made, migrated] = [new SimStorage(), storeOfContract1().storage];
    migrate(made as unknown as DurableObjectStorage);
    const schemaOf = (storage: SimStorage) =>
      storage
        .query("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")
        .map(({ sql, ...row }) => ({ ...row, sql: String(sql).replaceAll(/\s+/gu, " ") }));
    expect(schemaOf(made).length).toBeGreaterThan(4);
    expect(schemaOf(made)).toEqual(schemaOf(migrated));
    for (const key of ["schema", "schemaBack"]) expect(made.kv.get(key)).toEqual(migrated.kv.get(key));
  });
});

/** A channel that release 0.1.0 has stored: two publications, and a shard that listens. */
function storeOfContract1(): { storage: SimStorage; log: Log } {
  const storage = new SimStorage();
  storage.kv.put("schema", 2);
  storage.query(`
    CREATE TABLE log (id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL, top INTEGER NOT NULL, at INTEGER NOT NULL,
      version INTEGER NOT NULL DEFAULT 0, version_epoch TEXT NOT NULL DEFAULT '');
    CREATE TABLE publications (offset INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL);
    CREATE TABLE ids (id TEXT PRIMARY KEY, offset INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX ids_until ON ids (until);
    CREATE TABLE listeners (registration INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, region TEXT NOT NULL,
      heard INTEGER NOT NULL);
    INSERT INTO log (id, epoch, top, at) VALUES (1, 'old', 2, ${START});
    INSERT INTO publications VALUES (1, ${START}, '{}'), (2, ${START}, '{}');
    INSERT INTO listeners (name, region, heard) VALUES ('weur/weur-1', 'weur', 2);`);
  const platform = storage as unknown as DurableObjectStorage;
  migrate(platform);
  return { storage, log: openDurableLog(platform, { limits: LIMITS, newEpoch: () => "new", now: START }) };
}
