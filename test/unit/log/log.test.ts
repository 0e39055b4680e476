import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SimStorage } from "../../sim/storage.ts";
import { ID_TTL_MS, openDurableLog, RETRY_ID_TTL_MS } from "../../../src/log/durable-log.ts";
import type { LogLimits } from "../../../src/log/log.ts";
import { openEphemeralLog } from "../../../src/log/ephemeral-log.ts";
import { KNOWN_IDS_MAX } from "../../../src/log/known-ids.ts";
import type { Log } from "../../../src/log/log.ts";
import { migrate } from "../../../src/log/schema.ts";
import type { HistoryQuery } from "../../../src/contracts/log.ts";
import type { Publication } from "../../../src/contracts/publication.ts";
import {
  ALL_OF_IT,
  allAt,
  logCalls,
  offsetsOf,
  publish,
  START,
  testLogContract,
  type LogUnderTest,
} from "./log-contract.ts";

const MINUTE = 60_000;
const LIMITS: LogLimits = { size: 10, ttlMs: 2 * MINUTE, metaTtlMs: 10 * MINUTE };

/** A log in a database of its own; a write fails where `breaks` says so. */
function durable(limits: LogLimits = LIMITS): LogUnderTest & { breaks: boolean; storage: SimStorage } {
  const storage = new SimStorage();
  // The log uses `sql`, `kv` and `transactionSync`, and the simulator has these.
  const platform = storage as unknown as DurableObjectStorage;
  const work = storage.transactionSync.bind(storage);
  const under = { breaks: false, storage };
  storage.transactionSync = (write) =>
    work(() => {
      const result = write();
      if (under.breaks) throw new Error("the disk is full");
      return result;
    });
  let epochs = 0;
  const open = (now: number): Log => {
    migrate(platform);
    return openDurableLog(platform, { limits, newEpoch: () => `e${++epochs}`, now });
  };
  return Object.assign(under, { log: open(START), restart: open });
}

function ephemeral(): LogUnderTest {
  let lives = 0;
  const open = (): Log => openEphemeralLog(`life ${++lives}`);
  return { log: open(), restart: open };
}

describe("a durable log", () => {
  testLogContract(durable);

  test("[LG2, LG4] every call answers as a list of publications and a table of ids would", () => {
    fc.assert(
      fc.property(logCalls(3 * MINUTE), fc.array(fc.nat(39), { maxLength: 5 }), (calls, restarts) => {
        const under = durable();
        let { log } = under;
        let logEpoch = "e1";
        const epochs = new Set([logEpoch]);
        let top = 0;
        let lastAt = START;
        let kept: (Publication & { at: number })[] = [];
        const ids = new Map<string, { offset: number; until: number }>();
        let now = START;
        /** Whether this life has forgotten the log, and nothing has been appended since. */
        let isForgotten = false;
        for (const [n, { call, gapMs }] of calls.entries()) {
          now += gapMs;
          if (restarts.includes(n)) [log, isForgotten] = [under.restart(now), false];
          switch (call.kind) {
            case "append": {
              const known = ids.get(call.id);
              const repeated = known !== undefined && known.until > now;
              const offset = repeated ? known.offset : top + 1;
              expect(log.append(call, now)).toEqual({ offset, logEpoch, refused: null, repeated });
              if (repeated) break;
              [top, lastAt, isForgotten] = [offset, now, false];
              ids.set(call.id, { offset, until: now + ID_TTL_MS });
              kept = [...kept, { kind: "pub" as const, offset, body: call.body, at: now }].slice(
                -LIMITS.size,
              );
              break;
            }
            case "clear":
              log.clear(now);
              kept = [];
              break;
            case "expire": {
              const due = log.expire(now, call);
              kept = kept.filter(({ at }) => at > now - LIMITS.ttlMs);
              for (const [id, { until }] of ids) if (until <= now) ids.delete(id);
              const rests = ids.size === 0 && kept.length === 0;
              if (!rests) {
                // No row outlasts its time for long.
                expect(due).toBeLessThanOrEqual(now + ID_TTL_MS);
              } else if (call.inUse || isForgotten) {
                expect(due).toBeUndefined();
              } else if (lastAt + LIMITS.metaTtlMs > now) {
                expect(due).toBe(lastAt + LIMITS.metaTtlMs);
              } else {
                expect(due).toBeUndefined();
                expect(epochs).not.toContain(log.logEpoch);
                logEpoch = log.logEpoch;
                epochs.add(logEpoch);
                [top, lastAt, isForgotten] = [0, now, true];
              }
              break;
            }
          }
          kept = kept.filter(({ at }) => at > now - LIMITS.ttlMs);
          expect([log.top, log.logEpoch]).toEqual([top, logEpoch]);
          const publications = kept.map(({ kind, offset, body }) => ({ kind, offset, body }));
          expect(log.view(0, allAt(now))).toEqual({ logEpoch, top, publications });
          expect(log.after(0, ALL_OF_IT)).toEqual(publications);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("[LG2] the oldest publications are dropped by number, and the top stays", () => {
    const { log } = durable({ ...LIMITS, size: 3 });
    for (const id of ["a", "b", "c", "d", "e"]) publish(log, id);
    expect(offsetsOf(log.after(0, ALL_OF_IT))).toEqual([3, 4, 5]);
    expect(log.top).toBe(5);
  });

  test("[LG2, BD1] a publication is shown until its time has run out, to the millisecond, also before its row goes", () => {
    const { log, restart } = durable();
    publish(log, "a", START);
    publish(log, "b", START + 1);
    const shown = (at: Log, now: number) => [
      offsetsOf(at.view(0, allAt(now)).publications),
      offsetsOf(at.history({ limit: -1, reverse: true, since: null }, allAt(now)).publications),
    ];
    expect(shown(log, START + LIMITS.ttlMs - 1)).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect(shown(log, START + LIMITS.ttlMs)).toEqual([[2], [2]]);
    expect(shown(restart(START + LIMITS.ttlMs), START + LIMITS.ttlMs)).toEqual([[2], [2]]);
    expect(shown(log, START + LIMITS.ttlMs + 1)).toEqual([[], []]);
    expect(log.top).toBe(2);
  });

  test("[LG3] the top is forgotten without listeners after its time, and the log then has another epoch", () => {
    const { log, restart } = durable();
    publish(log, "a");
    const { logEpoch } = log;
    const last = START + LIMITS.metaTtlMs;
    log.expire(last, { inUse: true });
    log.expire(last - 1, { inUse: false });
    expect([log.top, log.logEpoch]).toEqual([1, logEpoch]);
    expect(log.expire(last, { inUse: false })).toBeUndefined();
    expect(log.top).toBe(0);
    expect(log.logEpoch).not.toBe(logEpoch);
    expect(restart(last)).toMatchObject({ top: 0, logEpoch: log.logEpoch });
    expect(publish(log, "a", last)).toMatchObject({ offset: 1, logEpoch: log.logEpoch, repeated: false });
  });

  test("[LG3] a log outlives its ids, also where its top would be forgotten sooner", () => {
    const { log } = durable({ ...LIMITS, metaTtlMs: MINUTE });
    publish(log, "a");
    const { logEpoch } = log;
    log.expire(START + ID_TTL_MS - 1, { inUse: false });
    expect(publish(log, "a", START + ID_TTL_MS - 1)).toMatchObject({ offset: 1, logEpoch, repeated: true });
    log.expire(START + ID_TTL_MS, { inUse: false });
    expect(log.top).toBe(0);
    expect(log.logEpoch).not.toBe(logEpoch);
  });

  test("[LG4] an id answers for five minutes across trimming, expiry, a clear and a restart, and no longer", () => {
    const { log, restart } = durable({ ...LIMITS, size: 1 });
    publish(log, "a");
    publish(log, "b");
    log.expire(START + LIMITS.ttlMs, { inUse: true });
    log.clear(START);
    const woken = restart(START + ID_TTL_MS - 1);
    expect(publish(woken, "a", START + ID_TTL_MS - 1)).toMatchObject({ offset: 1, repeated: true });
    expect(publish(woken, "a", START + ID_TTL_MS)).toMatchObject({ offset: 3, repeated: false });
  });

  test("[LG2, LG3] a restart changes neither the epoch, nor the top, nor a publication", () => {
    const { log, restart } = durable();
    for (const id of ["a", "b", "c"]) publish(log, id);
    const before = log.view(0, allAt(START));
    expect(restart(START + 1).view(0, allAt(START))).toEqual(before);
  });

  test("[LG1] a write that throws fails its publisher and changes nothing", () => {
    const under = durable();
    const { log, restart } = under;
    publish(log, "a");
    const before = log.view(0, allAt(START));
    under.breaks = true;
    expect(() => publish(log, "b")).toThrow("the disk is full");
    under.breaks = false;
    expect(log.view(0, allAt(START))).toEqual(before);
    expect(restart(START).view(0, allAt(START))).toEqual(before);
    expect(publish(log, "b")).toMatchObject({ offset: 2, repeated: false });
  });

  test("[LG1] a publication larger than a row is refused, and its id is free", () => {
    const { log } = durable();
    const body = "x".repeat(2_000_001);
    expect(log.append({ id: "a", body }, START)).toMatchObject({ refused: "tooLarge", repeated: false });
    expect(log.top).toBe(0);
    expect(log.append({ id: "a", body: body.slice(1) }, START)).toMatchObject({ offset: 1, refused: null });
    // The limit counts bytes, and a character has up to three.
    expect(log.append({ id: "b", body: "€".repeat(700_000) }, START)).toMatchObject({ refused: "tooLarge" });
  });

  test("[LG4] a publication that is not kept takes no offset, and its id publishes once", () => {
    const { log } = durable();
    publish(log, "a");
    const passing = { id: "p", body: "{}", passing: true };
    expect(log.append(passing, START)).toMatchObject({ offset: 0, refused: null, repeated: false });
    expect(log.append(passing, START)).toMatchObject({ offset: 0, refused: null, repeated: true });
    expect(offsetsOf(log.after(0, ALL_OF_IT))).toEqual([1]);
    expect(log.top).toBe(1);
  });

  test("[AP3] a version that is not newer publishes nothing, across a restart, and another epoch begins anew", () => {
    const { log, restart } = durable();
    let ids = 0;
    const append = (to: Log, number: number, epoch: string) =>
      to.append({ id: `${++ids}`, body: "{}", version: { number, epoch } }, START);
    expect(append(log, 5, "x")).toMatchObject({ offset: 1, repeated: false });
    for (const [number, epoch] of [
      [5, "x"],
      [4, "x"],
      [5, ""],
    ] as const)
      expect(append(log, number, epoch)).toMatchObject({ offset: 1, repeated: true });
    const woken = restart(START);
    expect(append(woken, 5, "x")).toMatchObject({ repeated: true });
    expect(append(woken, 1, "y")).toMatchObject({ offset: 2, repeated: false });
    expect(append(woken, 2, "")).toMatchObject({ offset: 3, repeated: false });
    expect(woken.top).toBe(3);
  });

  test("[LG6] a history answers with the kept publications that the query asks for", () => {
    const query = fc.record({
      limit: fc.integer({ min: -1, max: 12 }),
      reverse: fc.boolean(),
      since: fc.option(fc.record({ logEpoch: fc.constantFrom("e1", "", "other"), offset: fc.nat(16) })),
    });
    fc.assert(
      fc.property(fc.nat(14), query, fc.integer({ min: 1, max: 12 }), (count, query, max) => {
        const { log } = durable();
        for (let n = 1; n <= count; n++) publish(log, `${n}`);
        expect(log.history(query, { ...allAt(START), count: max })).toEqual({
          logEpoch: "e1",
          top: count,
          ...expectedHistory(log.after(0, ALL_OF_IT), query, max),
        });
      }),
    );
  });

  test("[LG6] a history of another log is refused, and so is one that reads backwards from the beginning", () => {
    const { log } = durable();
    publish(log, "a");
    const ask = (since: HistoryQuery["since"], reverse = false) =>
      log.history({ limit: 1, reverse, since }, allAt(START)).refused;
    expect(ask({ logEpoch: "other", offset: 0 })).toBe("unrecoverablePosition");
    expect(ask({ logEpoch: "e1", offset: 0 })).toBeNull();
    expect(ask({ logEpoch: "", offset: 0 })).toBeNull();
    expect(ask({ logEpoch: "e1", offset: 0 }, true)).toBe("badRequest");
    expect(ask(null, true)).toBeNull();
  });

  test("[BD1] every appointment that is due empties the log at last, and a silent log in use has none", () => {
    const { log } = durable();
    for (let n = 0; n < 30; n++) publish(log, `${n}`, START + n * 1_000);
    log.append({ id: "p", body: "{}", passing: true }, START + 30_000);
    let now = log.dueAfterAppend(START + 30_000) ?? 0;
    let due: number | undefined = now;
    let runs = 0;
    for (; due !== undefined; due = log.expire(now, { inUse: true })) {
      expect(due).toBeGreaterThanOrEqual(now);
      now = due;
      expect(++runs).toBeLessThan(10);
    }
    expect(log.top).toBe(30);
    // Ten minutes after the last publication, when no shard listens any more.
    now = Math.max(now, START + 30_000 + LIMITS.metaTtlMs);
    expect(log.expire(now, { inUse: false })).toBeUndefined();
    expect(log.top).toBe(0);
  });

  test("[BD1] an appointment is due soon enough for the publication that has just come, whatever was due before", () => {
    const { log } = durable();
    publish(log, "a");
    const month = START + 30 * 24 * 60 * MINUTE;
    log.expire(START + LIMITS.metaTtlMs, { inUse: true });
    publish(log, "b", month);
    expect(log.dueAfterAppend(month)).toBeLessThanOrEqual(month + ID_TTL_MS);
  });

  test("[BD3] the appointments of a busy log are one in five minutes, whatever it keeps", () => {
    for (const limits of [
      LIMITS,
      { ...LIMITS, size: 1 },
      { ...LIMITS, ttlMs: 1 },
      { ...LIMITS, ttlMs: 60 * MINUTE },
    ]) {
      const { log } = durable(limits);
      let at = Infinity;
      let runs = 0;
      for (let n = 1; n <= 3_600; n++) {
        const now = START + n * 1_000;
        if (at <= now) {
          runs += 1;
          at = log.expire(now, { inUse: true }) ?? Infinity;
        }
        log.append({ id: `${n}`, body: "{}", passing: n % 3 === 0, forRetries: true }, now);
        at = Math.min(at, log.dueAfterAppend(now) ?? Infinity);
      }
      expect(runs).toBeGreaterThan(3_600_000 / ID_TTL_MS / 6);
      expect(runs).toBeLessThanOrEqual(3_600_000 / ID_TTL_MS);
    }
  });

  test("[BD2, LG4] an id of ours holds for a minute, and a key for five, also after a restart", () => {
    const { log, restart } = durable();
    log.append({ id: "ours", body: "{}", forRetries: true }, START);
    publish(log, "key");
    const woken = restart(START + RETRY_ID_TTL_MS - 1);
    const again = (id: string, now: number) =>
      woken.append({ id, body: "{}", forRetries: true }, now).repeated;
    expect([again("ours", START + RETRY_ID_TTL_MS - 1), again("key", START + ID_TTL_MS - 1)]).toEqual([
      true,
      true,
    ]);
    expect([again("ours", START + RETRY_ID_TTL_MS), again("key", START + ID_TTL_MS)]).toEqual([false, false]);
  });

  test("[BD2, AP3] the version and the top outlive the last publication, and a restart", () => {
    const { log, restart } = durable();
    log.append({ id: "a", body: "{}", version: { number: 7, epoch: "v" } }, START);
    publish(log, "b");
    const late = START + ID_TTL_MS;
    expect(log.expire(late, { inUse: true })).toBeUndefined();
    const woken = restart(late);
    expect(woken.top).toBe(2);
    const old = { id: "c", body: "{}", version: { number: 7, epoch: "v" } };
    expect(woken.append(old, late)).toMatchObject({ offset: 2, repeated: true });
    expect(publish(woken, "d", late)).toMatchObject({ offset: 3, repeated: false });
  });

  test("[LG2] removed publications stay removed after a restart, though their ids still hold", () => {
    const { log, restart } = durable();
    for (const id of ["a", "b"]) publish(log, id);
    log.clear(START);
    publish(log, "c");
    const woken = restart(START);
    expect(offsetsOf(woken.view(0, allAt(START)).publications)).toEqual([3]);
    expect(offsetsOf(woken.after(0, ALL_OF_IT))).toEqual([3]);
    expect(publish(woken, "a")).toMatchObject({ offset: 1, repeated: true });
  });

  test("[BD4] bodies that are kept for their ids alone are emptied above 256 MB, and the ids hold", () => {
    const { log, storage } = durable({ ...LIMITS, size: 1 });
    const body = "x".repeat(1_900_000);
    const stored = () =>
      storage.query("SELECT SUM(octet_length(body)) AS bytes, COUNT(*) AS rows FROM publications")[0];
    let most = 0;
    for (let n = 1; n <= 150; n++) {
      log.append({ id: `${n}`, body }, START + n);
      most = Math.max(most, Number(stored()?.["bytes"]));
    }
    expect(most).toBeLessThanOrEqual(256 * 1_048_576 + 2 * body.length);
    expect(most).toBeGreaterThan(250 * 1_048_576);
    expect(stored()).toMatchObject({ rows: 150 });
    expect(log.append({ id: "1", body }, START + 151)).toMatchObject({ offset: 1, repeated: true });
    expect(log.after(0, ALL_OF_IT)).toEqual([{ kind: "pub", offset: 150, body }]);
  });

  test("[BD4] a log holds at most 65,536 ids, the newest", () => {
    const { log, restart } = durable();
    for (let n = 1; n <= KNOWN_IDS_MAX + 1; n++) publish(log, `${n}`);
    for (const at of [log, restart(START)])
      expect(publish(at, `${KNOWN_IDS_MAX + 1}`)).toMatchObject({
        offset: KNOWN_IDS_MAX + 1,
        repeated: true,
      });
    expect(publish(log, "2")).toMatchObject({ offset: 2, repeated: true });
    expect(publish(log, "1")).toMatchObject({ repeated: false });
  });

  test("[BD5] what is read is cut by bytes, from the end that was asked for, and one publication always fits", () => {
    const { log } = durable();
    for (let n = 1; n <= 5; n++) log.append({ id: `${n}`, body: "x".repeat(100) }, START);
    const cut = { ...allAt(START), bytes: 250 };
    const history = (reverse: boolean) => log.history({ limit: -1, reverse, since: null }, cut).publications;
    expect(offsetsOf(log.after(0, cut))).toEqual([1, 2]);
    expect(offsetsOf(log.view(0, cut).publications)).toEqual([4, 5]);
    expect(offsetsOf(history(false))).toEqual([1, 2]);
    expect(offsetsOf(history(true))).toEqual([5, 4]);
    const none = { ...cut, bytes: 1 };
    expect([offsetsOf(log.after(0, none)), offsetsOf(log.view(0, none).publications)]).toEqual([[1], [5]]);
  });

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

describe("an ephemeral log", () => {
  testLogContract(ephemeral);

  test("[LG5] an ephemeral log keeps no publication and has no history", () => {
    const { log } = ephemeral();
    expect(log.durable).toBe(false);
    for (const id of ["a", "b"]) publish(log, id);
    const { logEpoch } = log;
    expect(log.after(0, ALL_OF_IT)).toEqual([]);
    expect(log.view(0, allAt(START))).toEqual({ logEpoch, top: 2, publications: [] });
    for (const limit of [-1, 0, 5])
      expect(log.history({ limit, reverse: false, since: null }, allAt(START))).toEqual({
        logEpoch,
        top: 2,
        publications: [],
        refused: "notAvailable",
      });
    expect(log.expire(START + 365 * 24 * 60 * MINUTE, { inUse: false })).toBeUndefined();
  });

  test("[LG5] an ephemeral log forgets its ids and its offsets with the object's life in memory", () => {
    const { log, restart } = ephemeral();
    publish(log, "a");
    const woken = restart(START);
    expect(woken.logEpoch).not.toBe(log.logEpoch);
    expect(publish(woken, "a")).toMatchObject({ offset: 1, repeated: false });
  });

  test("[LG5] an ephemeral log knows the last 4,096 ids", () => {
    const { log } = ephemeral();
    for (let n = 1; n <= 4_097; n++) publish(log, `${n}`);
    expect(publish(log, "2")).toMatchObject({ offset: 2, repeated: true });
    expect(publish(log, "4097")).toMatchObject({ offset: 4_097, repeated: true });
    expect(publish(log, "1")).toMatchObject({ repeated: false });
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

/** By the rules of the Centrifuge protocol (docs/protocol.md C24). */
function expectedHistory(kept: readonly Publication[], { limit, reverse, since }: HistoryQuery, max: number) {
  if (since?.logEpoch === "other") return { publications: [], refused: "unrecoverablePosition" };
  if (reverse && since?.offset === 0) return { publications: [], refused: "badRequest" };
  const wanted = kept.filter(({ offset }) =>
    since === null ? true : reverse ? offset < since.offset : offset > since.offset,
  );
  const most = limit < 0 ? max : Math.min(limit, max);
  return { publications: (reverse ? wanted.toReversed() : wanted).slice(0, most), refused: null };
}
