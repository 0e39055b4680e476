import { describe, expect, test } from "vitest";
import { PLATFORM } from "./platform-limits.ts";
import { ClientSocket, ServerSocket } from "./sockets.ts";
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

  test("is another object in each life, with the rows of the lives before", () => {
    const storage = new SimStorage();
    const first = storage.ofLife();
    first.kv.put("a", 1);
    first.kv.get =
      first.sql.exec =
      first.setAlarm =
        () => {
          throw new Error("a life has put its own function here");
        };
    const second = storage.ofLife();
    expect(second.kv.get("a")).toBe(1);
    expect(second.sql.exec("SELECT 1 AS n").one()).toEqual({ n: 1 });
    expect(() => second.setAlarm(PLATFORM.latestDate)).not.toThrow();
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
    world.network.subrequests = PLATFORM.subrequests.free;
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
    expect(world.objects.of(A).storage.alarmAt).toBeNull();
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

describe("[BD71] the sockets of the stand-in", () => {
  /** An object that accepts a socket, and answers a close only where `answers` is true. */
  const shard = ({ answers = true } = {}) => {
    const told: number[] = [];
    const listed: number[] = [];
    const world = toyWorld({
      accept: (ctx, socket) => ctx.acceptWebSocket(socket),
      list: (ctx) => ctx.getWebSockets().map(({ readyState }) => readyState),
      webSocketClose: (ctx, socket: WebSocket, code: number) => {
        told.push(code);
        listed.push(ctx.getWebSockets().length);
        if (answers) socket.close(code === 1006 ? 1000 : code);
      },
      sendTo: (_, socket: WebSocket) => socket.send("x"),
      webSocketMessage: () => undefined,
    });
    const connect = (): { client: ClientSocket; server: ServerSocket } => {
      const client = new ClientSocket();
      const server = new ServerSocket(world, client);
      client.peer = server;
      world.addSocket(A, server);
      return { client, server };
    };
    const pass = (ms = 1_000) => world.run(world.clock.now + ms);
    const states = async () => (await ask(world, A, "list")).value;
    return { world, told, listed, connect, pass, states };
  };

  test("several sockets that end during one sleep are listed no more when the first of them wakes the object", async () => {
    const { world, told, listed, connect, pass, states } = shard();
    const ends = Array.from({ length: 20 }, connect);
    await states();
    expect(world.sleep(A)).toBe(true);
    world.outside(() => ends.forEach(({ client }, n) => n < 15 && client.close(1006)));
    await pass();
    expect(told).toEqual(Array.from({ length: 15 }, () => 1006));
    expect(listed[0]).toBeLessThan(19);
    expect(await states()).toHaveLength(5);
  });

  test("a socket that its peer has left is half open until the object closes its end, or sleeps", async () => {
    const polite = shard();
    const rude = shard({ answers: false });
    for (const { world, connect, pass } of [polite, rude]) {
      const { client } = connect();
      world.outside(() => client.close(1006));
      await pass();
    }
    expect(polite.world.objects.of(A).sockets.size).toBe(0);
    expect([...rude.world.objects.of(A).sockets].map(({ isHalfOpen }) => isHalfOpen)).toEqual([true]);
    expect(await rude.states()).toEqual([]);
    rude.world.sleep(A);
    expect(rude.world.objects.of(A).sockets.size).toBe(0);
  });

  test("a socket whose peer answers no close stays listed, and reads as open after the second sleep", async () => {
    const { world, told, connect, pass, states } = shard();
    const { client, server } = connect();
    client.answersClose = false;
    const got: string[] = [];
    client.onMessage = (text) => got.push(text);
    server.close(4001, "moved");
    await pass();
    expect(await states()).toEqual([2]);
    expect(() => server.send("x")).toThrow("closed");
    world.sleep(A);
    expect(await states()).toEqual([2]);
    world.sleep(A);
    expect(await states()).toEqual([1]);
    server.send("x");
    await pass();
    expect(got).toEqual([]);
    expect(told).toEqual([]);
    world.outside(() => client.close(1006));
    await pass();
    expect(told).toEqual([1006]);
    expect(await states()).toEqual([]);
  });

  test("an answered close ends the socket, and is told", async () => {
    const { told, connect, pass, states } = shard();
    const { client, server } = connect();
    server.close(4001);
    await pass();
    expect(await states()).toEqual([]);
    expect(told).toEqual([4001]);
    expect(client.open).toBe(false);
  });

  test("codes that cannot be sent, long reasons and large attachments are refused", () => {
    const { world, connect } = shard();
    const { server } = connect();
    for (const code of [999, 1005, 1006, 1015, 2999, 5000]) expect(() => server.close(code)).toThrow("code");
    expect(() => server.close(1000, "x".repeat(124))).toThrow("reason");
    expect(() => server.serializeAttachment("x".repeat(16_385))).toThrow("attachment");
    expect(server.open).toBe(true);
    expect(world.trace.join("\n")).toContain("the platform refuses outside: an attachment of");
  });

  test("queued bytes are counted with the newest frame on a new runtime, and not at all on an older one", async () => {
    const { world, connect, pass } = shard();
    const { client, server } = connect();
    expect(server.bufferedAmount).toBeUndefined();
    world.countsQueuedBytes = true;
    server.send("x".repeat(1_000));
    expect(server.bufferedAmount).toBe(1_000);
    await pass();
    expect(server.bufferedAmount).toBe(0);
    client.stall();
    server.send("x".repeat(1_000));
    await pass();
    expect(server.bufferedAmount).toBe(1_000);
  });
});
