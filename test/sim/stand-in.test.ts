import { describe, expect, test } from "vitest";
import { PLATFORM } from "./platform-limits.ts";
import { SimStorage } from "./storage.ts";
import { ask, toyWorld } from "./toy-world.ts";

const A = "SHARD auto/a";
const B = "CHANNEL b";
const MONTH_MS = 30 * 86_400_000;

describe("[BD70] the storage of the stand-in", () => {
  const refused = (storage: SimStorage): string[] => {
    const all: string[] = [];
    storage.onRefused = (what) => all.push(what);
    return all;
  };

  test("refuses a value over 2 MB, and keeps the one before", () => {
    const storage = new SimStorage();
    const all = refused(storage);
    storage.kv.put("a", "small");
    storage.kv.put("b", "x".repeat(2_097_000));
    expect(() => storage.kv.put("a", "x".repeat(2_097_153))).toThrow("larger");
    expect(() => storage.kv.put("a", ["€".repeat(1_048_577)])).toThrow("larger");
    expect(() =>
      storage.kv.put(
        "a",
        Array.from({ length: 400_000 }, () => "abcdef"),
      ),
    ).toThrow("larger");
    expect(storage.kv.get("a")).toBe("small");
    expect(all).toHaveLength(3);
  });

  test("refuses a row over 2 MB, more than 100 parameters, a long statement and statements of transactions", () => {
    const storage = new SimStorage();
    const all = refused(storage);
    storage.sql.exec("CREATE TABLE t (a, b)");
    expect(() => storage.sql.exec("INSERT INTO t VALUES (?, ?)", "x".repeat(2_097_153), 1)).toThrow(
      "too big",
    );
    const half = "x".repeat(1_100_000);
    expect(() => storage.sql.exec("INSERT INTO t VALUES (?, ?)", half, half)).toThrow("too big");
    const marks = Array.from({ length: 101 }, () => "?").join(", ");
    const numbers = Array.from({ length: 101 }, (_, n) => n);
    expect(() => storage.sql.exec(`SELECT 1 WHERE 1 IN (${marks})`, ...numbers)).toThrow("too many");
    expect(() => storage.sql.exec(`SELECT '${"x".repeat(100_001)}'`)).toThrow("too big");
    expect(() => storage.sql.exec("BEGIN")).toThrow("transactionSync");
    expect(storage.sql.exec("SELECT * FROM t").toArray()).toEqual([]);
    expect(all).toHaveLength(4);
  });

  test("refuses dates that an alarm cannot have", async () => {
    const storage = new SimStorage();
    const all = refused(storage);
    for (const date of [0, -1, Number.NaN, Infinity, 1e13])
      expect(() => storage.setAlarm(date)).toThrow("date");
    expect(await storage.getAlarm()).toBeNull();
    await storage.setAlarm(PLATFORM.latestDate);
    expect(all).toHaveLength(5);
  });

  test("has no row, no table and no alarm after deleteAll", async () => {
    const storage = new SimStorage();
    storage.kv.put("a", 1);
    storage.sql.exec("CREATE TABLE t (a)");
    await storage.setAlarm(1_900_000_000_000);
    await storage.deleteAll();
    expect(storage.dump()).toEqual({ kv: {}, tables: [] });
    expect(await storage.getAlarm()).toBeNull();
  });

  test("lists keys in their order", () => {
    const storage = new SimStorage();
    for (const key of ["b:2", "a", "b:1", "c"]) storage.kv.put(key, key);
    expect([...storage.kv.list({ prefix: "b:" })]).toEqual([
      ["b:1", "b:1"],
      ["b:2", "b:2"],
    ]);
    expect([...storage.kv.list({ reverse: true, limit: 1 })]).toEqual([["c", "c"]]);
  });
});

describe("[BD70] the calls and events of the stand-in", () => {
  test("a call over 32 MiB never arrives, an answer over it is an error, and both break a law", async () => {
    const world = toyWorld({
      take: () => "taken",
      give: () => "x".repeat(PLATFORM.callBytes + 1),
      send: () => (world.stub(B) as any).take("x".repeat(PLATFORM.callBytes + 1)),
    });
    expect((await ask(world, A, "take", "x".repeat(PLATFORM.callBytes - 100))).value).toBe("taken");
    // A client that sends too much breaks no law of ours.
    expect((await ask(world, A, "take", "x".repeat(PLATFORM.callBytes))).error).toContain("32MiB");
    expect(world.violations).toEqual([]);
    expect((await ask(world, A, "send")).error).toBe("no answer");
    expect(world.violations).toEqual([expect.stringContaining(`${A}: a call of ${B} take has`)]);
    world.violations.length = 0;
    await ask(world, A, "give");
    expect(world.violations).toEqual([expect.stringContaining("the answer to give has")]);
  });

  test("the calls that follow from one event are counted, also behind a timer", async () => {
    let refused = 0;
    const world = toyWorld({
      take: () => "taken",
      send: async (_, count: number) => {
        for (let n = 0; n < count; n++) {
          if (n === 500) await new Promise<void>((done) => void world.setTimer(done, 1));
          await (world.stub(B) as any).take().catch(() => (refused += 1));
        }
      },
    });
    world.subrequests = PLATFORM.subrequests.free;
    for (let n = 0; n < 3; n++) await ask(world, A, "send", 400);
    expect(world.violations).toEqual([]);
    await ask(world, A, "send", 1_001);
    await world.run(world.clock.now + 60_000);
    expect(world.violations).toEqual([expect.stringContaining("more than 1000 calls follow from one event")]);
    expect(refused).toBe(1);
  });

  test("an alarm that fails is repeated six times, later each time, and then given up", async () => {
    const ranAt: number[] = [];
    const world = toyWorld({
      arm: (ctx) => ctx.storage.setAlarm(world.clock.now + 1_000),
      alarm: (ctx) => {
        ranAt.push(world.clock.now);
        ctx.abort("the object is reset");
      },
    });
    await ask(world, A, "arm");
    await world.run(world.clock.now + MONTH_MS);
    const pauses = ranAt.slice(1).map((at, n) => at - (ranAt[n] ?? 0));
    expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 64_000]);
    expect(world.storageOf(A).alarmAt).toBeNull();
  });

  test("the clock stands still while code runs", async () => {
    const seen: number[] = [];
    const world = toyWorld({
      look: async () => {
        seen.push(world.clock.now);
        for (let n = 0; n < 1e5; n++) await Promise.resolve();
        seen.push(world.clock.now);
      },
    });
    await ask(world, A, "look");
    expect(seen[1]).toBe(seen[0]);
  });
});
