import { env } from "cloudflare:workers";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { addressKey, shardAddress } from "../../src/contracts/address.ts";
import type { ShardStatus } from "../../src/contracts/shard.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { KeptReports } from "../../src/coordinator/reports.ts";
import { Coordinator } from "../../src/coordinator/coordinator.ts";
import { Shard } from "../../src/shard/shard.ts";
import type { KeptCounts } from "../../src/platform/timetable.ts";
import { forward } from "../../src/router/forward.ts";
import { RingCache } from "../../src/router/ring-cache.ts";
import { ShardLoad } from "../../src/shard/records/load.ts";
import {
  api,
  Client,
  coordinator,
  coordinatorObject,
  keysOf,
  nameOf,
  settled,
  startOver,
  until,
} from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

const callersOf = async (id: string) =>
  (await coordinator().scale(CONTRACT)).shards.find((shard) => shard.id === id)?.callers;

/** The first key that a shard owns. */
async function keyOf(id: string): Promise<string> {
  const [key] = await keysOf(id, 1);
  if (key === undefined) throw new Error(`${id} owns no key`);
  return key;
}

describe("[EL61] the coordinator hears what callers have seen of a shard", () => {
  test("a router tells it with its next upgrade to another shard", async () => {
    await coordinator().chooseScaleMode({ mode: "off", by: "test" }, CONTRACT);
    const cache = new RingCache(await coordinator().descriptor(CONTRACT));
    const overloaded = Object.assign(new Error("too much to do"), { overloaded: true });
    /** The platform refuses calls to this shard. */
    const SHARD = {
      getByName: (name: string) =>
        name === "auto/auto-2" ? { fetch: () => Promise.reject(overloaded) } : env.SHARD.getByName(name),
    } as unknown as typeof env.SHARD;
    const connect = (key: string) => forward({ env: { ...env, SHARD }, cache, key, clientRegion: "auto" });
    expect((await connect(await keyOf("auto-2"))).kind).toBe("unavailable");
    expect(await callersOf("auto-2")).toBeUndefined();
    const connected = await connect(await keyOf("auto-1"));
    if (connected.kind !== "connected") throw new Error(connected.message);
    connected.response.webSocket?.accept();
    await until(async () => (await callersOf("auto-2")) !== undefined);
    expect(await callersOf("auto-2")).toEqual({ overloaded: 2, silent: 0 });
    connected.response.webSocket?.close();
  });

  test("a channel tells it with its next delivery to another shard", async () => {
    await coordinator().chooseScaleMode({ mode: "off", by: "test" }, CONTRACT);
    const deliver = Reflect.get(Shard.prototype, "deliver");
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    vi.spyOn(Shard.prototype, "deliver").mockImplementation(async function (
      this: InstanceType<typeof Shard>,
      ...args
    ) {
      if (nameOf(this) === "auto/auto-2") throw new Error("does not answer");
      return deliver.apply(this, args);
    });
    const clients = [
      await Client.connect(await keyOf("auto-1")),
      await Client.connect(await keyOf("auto-2")),
    ];
    for (const client of clients) await client.ask({ subscribe: { channel: "kept:seen" } });
    await until(async () => {
      await api("publish", { channel: "kept:seen", data: 1 });
      return (await callersOf("auto-2")) !== undefined;
    });
    expect(await callersOf("auto-2")).toMatchObject({ overloaded: 0 });
    expect(await callersOf("auto-1")).toBeUndefined();
  });

  test("a channel tells it with its next delivery, where a shard did not answer to a question for its clients", async () => {
    await coordinator().chooseScaleMode({ mode: "off", by: "test" }, CONTRACT);
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    for (const method of ["presenceUpTo", "presenceCount"] as const) {
      const answer = Reflect.get(Shard.prototype, method) as (...args: unknown[]) => never;
      vi.spyOn(Shard.prototype, method).mockImplementation(function (
        this: InstanceType<typeof Shard>,
        ...args: unknown[]
      ) {
        if (nameOf(this) === "auto/auto-2") throw new Error("does not answer");
        return answer.apply(this, args);
      });
    }
    const clients = [
      await Client.connect(await keyOf("auto-1")),
      await Client.connect(await keyOf("auto-2")),
    ];
    for (const client of clients) await client.ask({ subscribe: { channel: "kept:present" } });
    const methods = ["presence", "presence_stats"];
    const answers = await Promise.all(methods.map((method) => api(method, { channel: "kept:present" })));
    expect(answers.map(({ error }) => error?.code)).toEqual([100, 100]);
    await api("publish", { channel: "kept:present", data: 1 });
    await until(async () => (await callersOf("auto-2")) !== undefined);
    expect(await callersOf("auto-1")).toBeUndefined();
  });
});

test("[EL72] a shard whose load has risen reports with its frames, before the next ping", async () => {
  const client = await Client.connect(await keyOf("auto-1"));
  // The first connection has told the shard its ring, and the shard tells that it has no moves.
  await settled();
  const told = vi.spyOn(Coordinator.prototype, "report");
  vi.spyOn(ShardLoad.prototype, "isHigh").mockReturnValue(true);
  await until(async () => {
    await client.ask({ history: { channel: "kept:frames" } });
    await scheduler.wait(100);
    return told.mock.contexts.length > 0;
  });
});

const STATUS: ShardStatus = {
  sessions: 3,
  users: 1,
  channels: 0,
  subscriptions: 0,
  wokeAt: 0,
  ringEpoch: 1,
  digest: "",
  load: { parts: { sockets: 0.1, upgrades: 0, work: 0, queued: 0 }, refused: 0, clients: {} },
};
const addressOf = (n: number) => shardAddress("centrifuge", { region: "auto", id: `auto-${n}` });
const tell = (n: number, fields: Partial<ShardStatus>) =>
  coordinator().report({ shard: addressOf(n), status: { ...STATUS, ...fields }, moves: [] }, CONTRACT);
const sessionsOf = (n: number) =>
  runInDurableObject(coordinatorObject(), (_, { storage }) => {
    const [row] = storage.sql
      .exec<{ status: string }>("SELECT status FROM reports WHERE name = ?", addressOf(n).name)
      .toArray();
    return row === undefined ? undefined : (JSON.parse(row.status) as ShardStatus).sessions;
  });

describe("[EL62] a report that comes late", () => {
  test("does not take the place of a newer one, and one of a clock that was set back does", async () => {
    const sentAt = Date.now();
    await tell(1, { sessions: 5, sentAt });
    await tell(1, { sessions: 4, sentAt: sentAt - 3_000 });
    expect(await sessionsOf(1)).toBe(5);
    await tell(1, { sessions: 6, sentAt: sentAt - 3_600_000 });
    expect(await sessionsOf(1)).toBe(6);
    // Release 0.2.0 does not say when it sent a report.
    await tell(1, { sessions: 7 });
    expect(await sessionsOf(1)).toBe(7);
  });
});

test("[EL53] the counts of the coordinator outlast the row that had them, when its shard leaves", async () => {
  await tell(1, { sessions: 1 });
  const kept = await runInDurableObject(coordinatorObject(), (_, { storage }) => {
    storage.sql.exec("DELETE FROM reports");
    let counted = 0;
    const recalled: unknown[] = [];
    const usage = {
      recall: (counts: unknown) => void recalled.push(counts),
      counts: () => ({ n: ++counted }),
    };
    const reports = new KeptReports(storage.sql, usage);
    for (let n = 1; n <= 3; n++) reports.keep(addressOf(n), { status: STATUS, at: n });
    reports.forget(addressKey(addressOf(3)));
    reports.forget(addressKey(addressOf(1)));
    const again = new KeptReports(storage.sql, usage);
    return { recalled, keys: again.keys };
  });
  expect(kept).toEqual({ recalled: [{}, { n: 4 }], keys: [addressKey(addressOf(2))] });
});

describe("[EL63] the reports of all shards", () => {
  test("are read from storage once in a life, and are the same in the next life", async () => {
    await coordinator().chooseScaleMode({ mode: "suggest", by: "test" }, CONTRACT);
    for (let n = 1; n <= 4; n++) await tell(n, { sessions: n });
    const read = await runInDurableObject(coordinatorObject(), async (instance, { storage }) => {
      const exec = vi.spyOn(storage.sql, "exec");
      for (let n = 1; n <= 4; n++)
        (instance as unknown as { report(...args: unknown[]): unknown }).report(
          { shard: addressOf(n), status: { ...STATUS, sessions: 10 * n }, moves: [] },
          CONTRACT,
        );
      return exec.mock.calls.map(([query]) => query).filter((query) => /SELECT.*FROM reports/u.test(query));
    });
    expect(read).toEqual([]);
    await evictDurableObject(coordinatorObject());
    const { shards } = await coordinator().scale(CONTRACT);
    expect(shards.map(({ load }) => load?.parts.sockets)).toEqual([0.1, 0.1, 0.1, 0.1]);
  });

  test("are read by one query in a new life, with the counts in the newest of them", async () => {
    for (let n = 1; n <= 4; n++) await tell(n, { sessions: n });
    const seen = await runInDurableObject(coordinatorObject(), (_, { storage }) => {
      const exec = vi.spyOn(storage.sql, "exec");
      const recall = vi.fn<KeptCounts["recall"]>();
      const reports = new KeptReports(storage.sql, { recall, counts: () => ({}) });
      const sessions = [1, 2, 3, 4].map((n) => reports.of(addressOf(n))?.status.sessions);
      const queries = exec.mock.calls.map(([query]) => query).filter((query) => query.startsWith("SELECT"));
      const newest = storage.sql
        .exec<{ written: number }>(
          "SELECT MAX(status ->> '$.coordinator.0//rowsWritten') AS written FROM reports",
        )
        .one();
      return { sessions, queries: queries.length, counts: recall.mock.calls, newest: newest.written };
    });
    expect(seen).toMatchObject({
      sessions: [1, 2, 3, 4],
      queries: 1,
      counts: [[{ "0//rowsWritten": seen.newest }]],
    });
    expect(seen.newest).toBeGreaterThan(0);
  });
});
