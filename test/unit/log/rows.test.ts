import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SimStorage } from "../../sim/storage.ts";
import { parseConfig } from "../../../src/config/config.ts";
import { shardAddress } from "../../../src/contracts/address.ts";
import type { DeliverBranch } from "../../../src/contracts/orders.ts";
import { ChannelLog } from "../../../src/log/channel-log.ts";
import type { LogDuty } from "../../../src/log/channel-log-parts.ts";
import { Timetable } from "../../../src/platform/timetable.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000 }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const delivered = { kind: "delivered", sessions: 1 } as const;
const auto = (n: number) => shardAddress("centrifuge", { id: `auto-${n}`, region: "auto" });
/** Shards that take every delivery at once. */
const SHARD = {
  getByName: () => ({
    deliver: () => Promise.resolve(delivered),
    relay: ({ targets }: DeliverBranch) =>
      Promise.resolve(targets.map(({ name }) => ({ name, ms: 0, done: delivered }))),
  }),
};

type Rows = {
  publications: number;
  ids: number;
  log: number;
  heard: number;
  timetable: number;
  alarm: number;
};

/** A channel in virtual time, and the rows that its object has written: of tables, of keys, and for its alarm. */
function setUp(shards: number) {
  const storage = new SimStorage();
  const platform = storage as unknown as DurableObjectStorage;
  const rows: Rows = { publications: 0, ids: 0, log: 0, heard: 0, timetable: 0, alarm: 0 };
  const table = (query: string): keyof Rows =>
    query.includes("listeners")
      ? "heard"
      : query.includes("publications")
        ? "publications"
        : query.includes(" ids")
          ? "ids"
          : "log";
  const { exec } = storage.sql;
  const changes = () => Number(storage.query("SELECT total_changes() AS n")[0]?.["n"]);
  storage.sql.exec = (query, ...values) => {
    const before = changes();
    const cursor = exec(query, ...values);
    rows[table(query)] += changes() - before;
    return cursor;
  };
  const { put } = storage.kv;
  storage.kv.put = (key, value) => {
    rows.timetable += 1;
    put(key, value);
  };
  const { setAlarm } = storage;
  storage.setAlarm = (at) => {
    rows.alarm += 1;
    return setAlarm(at);
  };
  const config = parseConfig({ RINGCAST_NS_kept: { history_size: 10, history_ttl: "10m" } });
  const timetable = new Timetable<LogDuty>(platform);
  const open = () =>
    new ChannelLog({
      ctx: { storage: platform, waitUntil: () => undefined } as unknown as DurableObjectState,
      env: { SHARD } as unknown as Cloudflare.Env,
      config,
      name: "kept:room",
      namespace: config.namespaces.get("kept"),
      timetable,
    });
  const log = open();
  for (let n = 1; n <= shards; n++) log.register(auto(n), null);
  const live = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms);
    if ((storage.alarmAt ?? Infinity) > Date.now()) return;
    storage.alarmAt = null;
    await timetable.run(Date.now(), async (duty) => log.run(duty));
  };
  return { log, rows, live, open };
}

test("[SO69] a shard that registers behind the log is looked after until it has what it lacks", async () => {
  const { log, live } = setUp(0);
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
  const { logEpoch } = log.publish({ id: "1", body: '{"data":1}' });
  await live(60_000);
  let isDown = true;
  const taken: number[] = [];
  const shard = {
    deliver: async ({ since }: { readonly since: number }) => {
      if (isDown) throw new Error("the shard is down");
      taken.push(since);
      return delivered;
    },
  };
  vi.spyOn(SHARD, "getByName").mockReturnValue(shard as never);
  log.register(auto(1), { position: { logEpoch, offset: 0 } });
  // The lane has given up.
  await live(60_000);
  await vi.advanceTimersByTimeAsync(60_000);
  isDown = false;
  for (let n = 0; n < 10; n++) await live(10_000);
  expect(taken).toEqual([0]);
});

/** Rows of one publication, in the steady state of a channel. */
async function rowsOfOne(shards: number, load: { everyMs: number; together: number }): Promise<Rows> {
  const { log, rows, live } = setUp(shards);
  let published = 0;
  const publish = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += load.together) {
      for (let one = 0; one < load.together; one++)
        log.publish({ id: `${(published += 1)}`, body: '{"data":1}', forRetries: true });
      await live(load.everyMs);
    }
  };
  // Until the first ids have run out.
  await publish(Math.max(30, Math.ceil(65_000 / load.everyMs)) * load.together);
  const before = { ...rows };
  const count = 60 * load.together;
  await publish(count);
  const each = (name: keyof Rows) => (rows[name] - before[name]) / count;
  return {
    publications: each("publications"),
    ids: each("ids"),
    log: each("log"),
    heard: each("heard"),
    timetable: each("timetable"),
    alarm: each("alarm"),
  };
}

/** `together`: publications at one moment. */
const LOADS = {
  "1 a minute": { everyMs: 60_000, together: 1 },
  "1 a second": { everyMs: 1_000, together: 1 },
  "100 a second": { everyMs: 1_000, together: 100 },
};

/** The numbers of docs/operate/cost.md: all rows of a publication at the channel, by load and by the number of shards. */
const SUMS = {
  "1 a minute": { 0: 2.4, 1: 7, 200: 7 },
  "1 a second": { 0: 2, 1: 3, 200: 3 },
  "100 a second": { 0: 2, 1: 2, 200: 2 },
} as const;

for (const load of ["1 a minute", "1 a second", "100 a second"] as const)
  for (const shards of [0, 1, 200] as const)
    test(`[BD2, BD8] the rows of a publication: ${load}, ${shards} shards`, async () => {
      const { publications, ids, ...rows } = await rowsOfOne(shards, LOADS[load]);
      expect([publications, ids]).toEqual([2, 0]);
      const sum = Object.values(rows).reduce((all, each) => all + each, publications);
      expect(sum).toBeLessThan(SUMS[load][shards] + 0.05);
      expect(sum).toBeGreaterThan(SUMS[load][shards] - 0.05);
    });

test("[BD8, DL1] a shard that begins behind the others begins there in the next life too, and the others where they are", async () => {
  const { log, live, open } = setUp(3);
  for (let n = 1; n <= 4; n++) log.publish({ id: `${n}`, body: "{}" });
  await live(5_000);
  const known = (of: ChannelLog, n: number) => of.renew(auto(n)).offset;
  expect([1, 2, 3].map((n) => known(open(), n))).toEqual([4, 4, 4]);
  const { logEpoch } = log.view(0);
  log.register(auto(1), { position: { logEpoch, offset: 2 } });
  expect([1, 2, 3].map((n) => known(open(), n))).toEqual([2, 4, 4]);
});

test("[DL8] a shard that does not know where it is gets no place that it may have passed", async () => {
  const { log, live, open } = setUp(1);
  log.publish({ id: "1", body: "{}" });
  await live(5_000);
  log.publish({ id: "2", body: "{}" });
  const placeIn = (of: ChannelLog) => of.register(auto(1), { position: null })?.offset;
  // The next life knows the row alone, and that the second publication may have arrived.
  expect(placeIn(open())).toBeUndefined();
  await live(5_000);
  expect([placeIn(log), placeIn(open())]).toEqual([2, 2]);
});
