import { env } from "cloudflare:workers";
import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { ID_TTL_MS, openDurableLog } from "../../src/log/durable-log.ts";
import type { Log, LogLimits } from "../../src/log/log.ts";
import { migrate } from "../../src/log/schema.ts";
import { channelStub } from "../../src/platform/calls.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { channelObject, Client, errorOf, startOver, until } from "./client.ts";

afterEach(() => startOver());

const LIMITS: LogLimits = { size: 10, ttlMs: 60_000, metaTtlMs: 600_000 };
const body = (n: number) => JSON.stringify({ data: n });
const MANY = { count: 100, bytes: 1_000_000 };
const ALL = { limit: -1, reverse: false, since: null };

/** Runs `use` with a log over the real storage of an object. The object has made the tables. */
async function withLog<T>(
  limits: Partial<LogLimits>,
  use: (reopen: (storage?: DurableObjectStorage) => Log, storage: DurableObjectStorage) => T,
): Promise<T> {
  await channelStub(env, "kept:log-test").view(0, CONTRACT);
  return runInDurableObject(channelObject("kept:log-test"), (_, { storage }) => {
    migrate(storage);
    let epochs = 0;
    const reopen = (over = storage) =>
      openDurableLog(over, { limits: { ...LIMITS, ...limits }, newEpoch: () => `e${(epochs += 1)}`, now: 0 });
    return use(reopen, storage);
  });
}

/** A storage in which statement number `failAt`, counted from now, throws. */
function failing(storage: DurableObjectStorage, failAt: number): DurableObjectStorage {
  let calls = 0;
  const exec: SqlStorage["exec"] = (query, ...values) => {
    calls += 1;
    if (calls === failAt) throw new Error("the disk is full");
    return storage.sql.exec(query, ...values);
  };
  return new Proxy(storage, {
    get(target, name) {
      if (name === "sql") return { exec };
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("[LG1] an acknowledged publication is durable", () => {
  test("an acknowledged publication survives the death of every object", async () => {
    const client = await Client.connect("ann");
    for (let n = 1; n <= 5; n++) {
      expect((await client.ask({ publish: { channel: "kept:a", data: n } }))["publish"]).toEqual({});
    }
    const before = await channelStub(env, "kept:a").history(ALL, CONTRACT);
    await abortAllDurableObjects();
    const after = await channelStub(env, "kept:a").history(ALL, CONTRACT);
    expect(after).toEqual(before);
    expect(after.publications.map(({ offset, body: text }) => [offset, JSON.parse(text).data])).toEqual(
      [1, 2, 3, 4, 5].map((n) => [n, n]),
    );
  });

  test("a write that throws at any of its statements is an error, and leaves no gap", async () => {
    await withLog({ size: 1 }, (reopen, storage) => {
      reopen().append({ id: "first", body: body(1) }, 0);
      // Opening a log takes six statements. An append that trims takes two, in one transaction.
      for (let statement = 7; statement <= 8; statement++) {
        const broken = reopen(failing(storage, statement));
        expect(() => broken.append({ id: `broken-${statement}`, body: body(0) }, ID_TTL_MS)).toThrow(
          "the disk is full",
        );
        expect(broken.top).toBe(1);
      }
      const log = reopen();
      expect(log.after(0, MANY).map(({ offset }) => offset)).toEqual([1]);
      expect(log.append({ id: "second", body: body(2) }, ID_TTL_MS)).toMatchObject({
        offset: 2,
        repeated: false,
      });
      expect(log.after(0, MANY).map(({ offset }) => offset)).toEqual([2]);
    });
  });

  test("a publication that does not fit in a row is refused before it is written", async () => {
    await withLog({}, (reopen) => {
      const log = reopen();
      expect(log.append({ id: "big", body: "x".repeat(2_000_001) }, 0).refused).toBe("tooLarge");
      expect(log.append({ id: "wide", body: "ü".repeat(1_000_001) }, 0).refused).toBe("tooLarge");
      expect(log.append({ id: "fits", body: "x".repeat(2_000_000) }, 0)).toMatchObject({
        offset: 1,
        refused: null,
      });
    });
  });
});

describe("[LG2] offsets are contiguous, and trimming keeps the top", () => {
  test("a log is trimmed by number", async () => {
    await withLog({ size: 3 }, (reopen) => {
      const log = reopen();
      for (let n = 1; n <= 8; n++) log.append({ id: `p${n}`, body: body(n) }, 0);
      expect(log.after(0, MANY).map(({ offset }) => offset)).toEqual([6, 7, 8]);
      expect(reopen().top).toBe(8);
    });
  });

  test("a log is trimmed by age, down to no publication", async () => {
    await withLog({ ttlMs: 1_000 }, (reopen) => {
      const log = reopen();
      log.append({ id: "a", body: body(1) }, 0);
      log.append({ id: "b", body: body(2) }, 600);
      const shown = (now: number) => log.view(0, { ...MANY, now }).publications.map(({ offset }) => offset);
      expect([shown(999), shown(1_000), shown(1_600)]).toEqual([[1, 2], [2], []]);
      const { logEpoch } = log;
      log.expire(1_600, { inUse: true });
      expect([log.after(0, MANY), log.top, log.logEpoch]).toEqual([[], 2, logEpoch]);
      expect(log.append({ id: "c", body: body(3) }, 2_000).offset).toBe(3);
    });
  });
});

describe("[LG3] a log epoch is never used again", () => {
  test("a channel without listeners forgets the top after a while, and the epoch is then another", async () => {
    await withLog({ ttlMs: 1_000, metaTtlMs: 5_000 }, (reopen) => {
      const log = reopen();
      log.append({ id: "a", body: body(1) }, 0);
      const { logEpoch } = log;
      // An id is still known, so a repeated append answers with an offset of this log.
      log.expire(ID_TTL_MS - 1, { inUse: false });
      expect(log.append({ id: "a", body: body(1) }, ID_TTL_MS - 1)).toMatchObject({ offset: 1, logEpoch });
      log.expire(ID_TTL_MS, { inUse: true });
      expect([log.logEpoch, log.top]).toEqual([logEpoch, 1]);
      log.expire(ID_TTL_MS, { inUse: false });
      expect(log.top).toBe(0);
      expect(log.logEpoch).not.toBe(logEpoch);
      expect(reopen().logEpoch).toBe(log.logEpoch);
    });
  });
});

describe("[LG4] an id publishes once", () => {
  test("an id is known for five minutes, also after a restart, and after its publication is trimmed", async () => {
    await withLog({ size: 1 }, (reopen) => {
      reopen().append({ id: "one", body: body(1) }, 0);
      expect(reopen().append({ id: "one", body: body(9) }, 10)).toMatchObject({ offset: 1, repeated: true });
      reopen().append({ id: "two", body: body(2) }, 20);
      expect(reopen().append({ id: "one", body: body(9) }, ID_TTL_MS - 1)).toMatchObject({
        offset: 1,
        repeated: true,
      });
      expect(reopen().append({ id: "one", body: body(3) }, ID_TTL_MS)).toMatchObject({
        offset: 3,
        repeated: false,
      });
    });
  });

  test("a repeated call of the object gets the first answer, also after a restart", async () => {
    const publication = { id: "key", body: body(1) };
    const first = await channelStub(env, "kept:b").publish(publication, CONTRACT);
    await abortAllDurableObjects();
    expect(await channelStub(env, "kept:b").publish(publication, CONTRACT)).toEqual(first);
    expect((await channelStub(env, "kept:b").history(ALL, CONTRACT)).top).toBe(1);
  });
});

describe("[LG5] a channel without history keeps no publication", () => {
  test("a subscriber gets no offset, the storage has no row, and history is not available", async () => {
    const client = await Client.connect("ann");
    expect((await client.ask({ subscribe: { channel: "plain", recoverable: true } }))["subscribe"]).toEqual(
      {},
    );
    await client.ask({ publish: { channel: "plain", data: 1 } });
    expect((await client.ask({ history: { channel: "plain", limit: 10 } })).error?.code).toBe(108);
    await until(() => client.heard("plain").length === 1);
    expect(client.lines.find(({ push }) => push?.pub)?.push?.pub).not.toHaveProperty("offset");
    const rows = await runInDurableObject(channelObject("plain"), (_, { storage }) =>
      storage.sql.exec("SELECT * FROM publications").toArray(),
    );
    expect(rows).toEqual([]);
  });

  test("a publication whose caller has ceased to wait is refused there, and taken where history is kept", async () => {
    const late = { id: "key", body: body(1), awaitedUntil: Date.now() - 1 };
    const refused = await errorOf(() => channelObject("plain").publish(late, CONTRACT));
    expect(refused).toBe("Error: the call to publish came when nobody awaited it any more");
    expect(await channelStub(env, "kept:late").publish(late, CONTRACT)).toMatchObject({ offset: 1 });
  });
});

describe("[LG6] history answers as the protocol says", () => {
  test("the answer follows limit, since and reverse", async () => {
    const client = await Client.connect("ann");
    for (let n = 1; n <= 6; n++) await client.ask({ publish: { channel: "kept:h", data: n } });
    const ask = async (query: object) => {
      const reply = await client.ask({ history: { channel: "kept:h", ...query } });
      if (reply.error !== undefined) return reply.error.code;
      const { publications, offset } = reply["history"] as {
        publications: { data: number; offset: number }[];
        offset: number;
      };
      expect(offset).toBe(6);
      expect(publications.every((one) => one.data === one.offset)).toBe(true);
      return publications.map((one) => one.offset);
    };
    const { epoch } = (await client.ask({ history: { channel: "kept:h" } }))["history"] as { epoch: string };
    expect(await ask({})).toEqual([]);
    expect(await ask({ limit: 0 })).toEqual([]);
    expect(await ask({ limit: 2 })).toEqual([1, 2]);
    expect(await ask({ limit: -1 })).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await ask({ limit: 2, reverse: true })).toEqual([6, 5]);
    expect(await ask({ limit: -1, since: { offset: 4, epoch } })).toEqual([5, 6]);
    expect(await ask({ limit: -1, since: { offset: 4 } })).toEqual([5, 6]);
    expect(await ask({ limit: 2, since: { offset: 4, epoch }, reverse: true })).toEqual([3, 2]);
    expect(await ask({ limit: 1, since: { offset: 4, epoch: "other" } })).toBe(112);
    expect(await ask({ limit: 1, since: { offset: 0, epoch }, reverse: true })).toBe(107);
  });
});

describe("[BD2] rows are money", () => {
  /** Counts the rows that the statements of a log write. */
  function counting(storage: DurableObjectStorage) {
    const cursors: { readonly rowsWritten: number; readonly rowsRead: number }[] = [];
    const exec: SqlStorage["exec"] = (query, ...values) => {
      const cursor = storage.sql.exec(query, ...values);
      cursors.push(cursor);
      return cursor as never;
    };
    const counted = new Proxy(storage, {
      get(target, name) {
        if (name === "sql") return { exec };
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const take = () => {
      const rows = { written: 0, read: 0 };
      for (const { rowsWritten, rowsRead } of cursors.splice(0)) {
        rows.written += rowsWritten;
        rows.read += rowsRead;
      }
      return rows;
    };
    return { counted, take };
  }

  test("a durable publication writes its row and the removal of its row, whichever trims it", async () => {
    for (const limits of [{ size: 10 }, { size: 1_000, ttlMs: 1_000 }]) {
      await withLog(limits, (reopen, storage) => {
        const { counted, take } = counting(storage);
        const log = reopen(counted);
        take();
        let now = 0;
        for (let n = 1; n <= 1_000; n++) {
          now = n * 1_000;
          log.append({ id: `p${now}`, body: body(n), forRetries: true }, now);
        }
        for (let due: number | undefined = now; due !== undefined; due = log.expire(due, { inUse: true }));
        const { written, read } = take();
        const left = storage.sql.exec("SELECT * FROM publications").toArray().length;
        expect(left).toBe(0);
        // And the row of the log, before the last publication goes.
        expect(written).toBe(2 * 1_000 + 1);
        expect(read).toBeLessThan(8 * 1_000);
        log.clear(now);
      });
      await startOver();
    }
  });

  test("a publication that is not kept writes the row of its id and the removal of it", async () => {
    await withLog({}, (reopen, storage) => {
      const { counted, take } = counting(storage);
      const log = reopen(counted);
      take();
      for (let n = 1; n <= 100; n++) log.append({ id: `p${n}`, body: body(n), passing: true }, n * 1_000);
      expect(log.expire(100_000 + ID_TTL_MS, { inUse: true })).toBeUndefined();
      expect(take()).toMatchObject({ written: 2 * 100 });
    });
  });

  test("[BD3] a log that has much to keep reads what has run out, and no more", async () => {
    await withLog({ size: 10_000, ttlMs: 3_600_000 }, (reopen, storage) => {
      const { counted, take } = counting(storage);
      const log = reopen(counted);
      for (let n = 1; n <= 2_000; n++) log.append({ id: `p${n}`, body: body(n) }, n);
      take();
      for (let n = 0; n < 100; n++) log.expire(3_600_000 + n, { inUse: true });
      expect(take().read).toBeLessThan(1_000);
    });
  });
});

test("[BD1] an appointment moves to an earlier time, so history goes in its time also after a long silence", async () => {
  await channelStub(env, "short:again").publish({ id: "a", body: body(1) }, CONTRACT);
  // As after a month: nothing is left but the appointment at which the log is forgotten.
  await runInDurableObject(channelObject("short:again"), async (_, { storage }) => {
    const far = Date.now() + 30 * 86_400_000;
    storage.kv.put("timetable", { expire: far });
    await storage.setAlarm(far);
  });
  await abortAllDurableObjects();
  await channelStub(env, "short:again").publish({ id: "b", body: body(2) }, CONTRACT);
  const at = await runInDurableObject(channelObject("short:again"), (_, { storage }) => storage.getAlarm());
  expect(at).toBeLessThanOrEqual(Date.now() + ID_TTL_MS);
});

describe("what is larger than a call", () => {
  const COUNT = 89;
  const large = "x".repeat(400_000);

  /** A room with 35 MB of publications that no shard has heard of, after one that every listener has. */
  async function fill(channel: string): Promise<void> {
    await runInDurableObject(channelObject(channel), (_, { storage }) => {
      for (let offset = 2; offset <= COUNT + 1; offset++)
        storage.sql.exec(
          "INSERT INTO publications (offset, at, body) VALUES (?, ?, ?)",
          offset,
          Date.now(),
          JSON.stringify({ data: large }),
        );
    });
    await evictDurableObject(channelObject(channel));
  }

  test("[BD5] 89 publications of 400 KB that a shard has missed are delivered, in order", async () => {
    const client = await Client.connect("ann");
    await client.ask({ subscribe: { channel: "kept:large", recoverable: true } });
    await client.ask({ publish: { channel: "kept:large", data: 0 } });
    await until(() => client.heard("kept:large").length === 1);
    await fill("kept:large");
    await channelStub(env, "kept:large").publish({ id: "last", body: body(1) }, CONTRACT);
    // The channel stores how far each shard has heard. Readers that are too slow for 35 MB at once may be closed.
    await until(async () => {
      await runDurableObjectAlarm(channelObject("kept:large"));
      const rows = await runInDurableObject(channelObject("kept:large"), (_, { storage }) =>
        storage.sql.exec<{ heard: number }>("SELECT heard FROM listeners").toArray(),
      );
      return rows.length === 0 || rows[0]?.heard === COUNT + 2;
    });
    const heard = client.heard("kept:large").map((data) => (typeof data === "string" ? data.length : data));
    const sent = [0, ...Array.from({ length: COUNT }, () => large.length), 1];
    expect(heard.length).toBeGreaterThan(9);
    expect(heard).toEqual(sent.slice(0, heard.length));
  });

  test("[BD6] a resume over 35 MB is answered: not recovered; one over 4 MB is recovered", async () => {
    const first = await channelStub(env, "kept:long").publish({ id: "a", body: body(0) }, CONTRACT);
    await fill("kept:long");
    const client = await Client.connect("ann");
    const resume = async (offset: number) => {
      const since = { recover: true, offset, epoch: first.logEpoch };
      const { subscribe, error } = await client.ask({ subscribe: { channel: "kept:long", ...since } });
      await client.ask({ unsubscribe: { channel: "kept:long" } });
      return error ?? (subscribe as { recovered?: boolean; publications?: unknown[] });
    };
    for (let n = 0; n < 2; n++) {
      const none = await resume(1);
      expect(none).not.toHaveProperty("recovered");
      expect(none).not.toHaveProperty("publications");
    }
    const some = await resume(COUNT - 8);
    expect(some).toMatchObject({ recovered: true });
    expect(some).toHaveProperty("publications.length", 9);
  });

  test("[BD5] a history larger than a call comes in parts that join", async () => {
    await channelStub(env, "kept:parts").publish({ id: "a", body: body(0) }, CONTRACT);
    await fill("kept:parts");
    const offsets: number[] = [];
    for (let since: { offset: number; logEpoch: string } | null = null; ;) {
      const part = await channelStub(env, "kept:parts").history(
        { limit: -1, reverse: false, since },
        CONTRACT,
      );
      offsets.push(...part.publications.map(({ offset }) => offset));
      since = { logEpoch: part.logEpoch, offset: offsets.at(-1) ?? 0 };
      if (since.offset === part.top) break;
    }
    expect(offsets).toEqual(Array.from({ length: COUNT + 1 }, (_, n) => n + 1));
  });
});
