import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { shardAddress } from "../../src/contracts/address.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { EPOCHS_KEPT } from "../../src/coordinator/retention.ts";
import { Store } from "../../src/coordinator/store.ts";
import { Shard } from "../../src/shard/shard.ts";
import { adopted, changeRing, coordinator, coordinatorObject, settled, startOver, until } from "./client.ts";

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await startOver();
});

const NO_COUNTS = { recall: () => undefined, counts: () => ({}) };
const SHARD = { region: "auto", weight: 16, state: "active" } as const;

/** The numbers of rows that the coordinator has. */
const rows = () =>
  runInDurableObject(coordinatorObject(), (_, { storage }) =>
    Object.fromEntries(
      ["epochs", "moves", "reports", "leaving", "untold"].map((table) => [
        table,
        storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
      ]),
    ),
  );

describe("[BD54] [MB1] what the coordinator keeps is bounded", () => {
  test("the newest epochs stay with their moves; an older one cannot be brought back, and the error says so", async () => {
    const present = await coordinator().descriptor(CONTRACT);
    const newest = present.epoch + 2 * EPOCHS_KEPT;
    await runInDurableObject(coordinatorObject(), (_, { storage }) => {
      const store = new Store(storage, { first: present, now: Date.now(), usage: NO_COUNTS });
      for (let epoch = present.epoch + 1; epoch <= newest; epoch++) {
        // In each epoch another shard takes the place of the one before.
        const shards = [...present.shards, { ...SHARD, id: `auto-${epoch + 10}` }];
        const descriptor = { ...store.descriptor, epoch, shards, earlier: [store.descriptor] };
        store.commit({ descriptor, at: epoch, cause: "test", by: "test", predicted: null, tell: [] });
        for (const { id } of shards) {
          const shard = shardAddress("centrifuge", { id, region: "auto" });
          const moves = [epoch, epoch - EPOCHS_KEPT].map((ringEpoch) => ({ shard: id, ringEpoch, moved: 1 }));
          const status = { sessions: 0, users: 0, channels: 0, subscriptions: 0, wokeAt: 0 };
          const report = { status: { ...status, ringEpoch: epoch, digest: "" }, moves, at: epoch };
          store.keepReport(shard, report, ["centrifuge"]);
          // The shard that has left says that it is empty, and speaks once more.
          const former = shardAddress("centrifuge", { id: `auto-${epoch + 9}`, region: "auto" });
          for (let n = 0; n < 2; n++) store.keepReport(former, { ...report, moves: [] }, ["centrifuge"]);
        }
      }
    });
    const shards = present.shards.length + 1;
    expect(await rows()).toEqual({
      epochs: EPOCHS_KEPT,
      moves: EPOCHS_KEPT * shards,
      reports: shards,
      leaving: 0,
      untold: 0,
    });
    const longest = await runInDurableObject(coordinatorObject(), (_, { storage }) =>
      storage.sql
        .exec<{ n: number }>("SELECT COUNT(*) AS n FROM epochs WHERE descriptor LIKE '%earlier%'")
        .one(),
    );
    expect(longest.n).toBe(1);
  });

  test("a rollback to an epoch that is kept no more is refused with the reason", async () => {
    await changeRing({ kind: "add", ids: ["auto-5"] });
    await runInDurableObject(coordinatorObject(), (_, { storage }) =>
      storage.sql.exec("DELETE FROM epochs WHERE epoch = 1"),
    );
    expect(await changeRing({ kind: "rollback", ringEpoch: 1 })).toEqual({
      kind: "refused",
      code: "notFound",
      message: "epoch 1 is kept no more; the oldest is 2",
    });
    expect(await changeRing({ kind: "rollback", ringEpoch: 7 })).toMatchObject({
      message: "there is no epoch 7",
    });
  });

  test("nothing is kept of a shard that has left and is empty", async () => {
    await changeRing({ kind: "add", ids: ["auto-5"] });
    await adopted();
    await changeRing({ kind: "remove", id: "auto-5" });
    await settled();
    await until(async () => (await rows())["leaving"] === 0);
    const names = await runInDurableObject(coordinatorObject(), (_, { storage }) =>
      storage.sql
        .exec<{ name: string }>("SELECT name FROM reports")
        .toArray()
        .map(({ name }) => name),
    );
    expect(names.length).toBeGreaterThan(0);
    expect(names).not.toContain("auto/auto-5");
  });
});

describe("[BD41] a shard that does not answer is asked ever more rarely", () => {
  /** The next time that the coordinator tells the shards that do not know an epoch of this age, in ms from now. */
  async function nextTellIn(ageMs: number): Promise<number> {
    vi.useFakeTimers({ now: Date.now() + ageMs, toFake: ["Date"] });
    await runDurableObjectAlarm(coordinatorObject());
    const timetable = await runInDurableObject(coordinatorObject(), (_, { storage }) =>
      storage.kv.get<Record<string, number>>("timetable"),
    );
    return (timetable?.["tell"] ?? Infinity) - Date.now();
  }

  test("it is asked again in half as long as the epoch is old, at most in an hour, also after a sleep", async () => {
    vi.spyOn(Shard.prototype, "adopt").mockRejectedValue(new Error("deaf"));
    await changeRing({ kind: "add", count: 1 });
    const minute = 60_000;
    const soon = await nextTellIn(10 * minute);
    expect(soon).toBeGreaterThanOrEqual(5 * minute);
    expect(soon).toBeLessThan(6 * minute);
    await evictDurableObject(coordinatorObject());
    expect(await nextTellIn(24 * 60 * minute)).toBe(60 * minute);
  });

  test("it is asked no more when it has left: the report that it is empty names the present epoch", async () => {
    await changeRing({ kind: "add", ids: ["auto-5"] });
    await adopted();
    const adopt = vi.spyOn(Shard.prototype, "adopt").mockRejectedValue(new Error("deaf"));
    await changeRing({ kind: "remove", id: "auto-5" });
    adopt.mockRestore();
    const { epoch: ringEpoch } = await coordinator().descriptor(CONTRACT);
    const status = { sessions: 0, users: 0, channels: 0, subscriptions: 0, wokeAt: 0, ringEpoch, digest: "" };
    const shard = shardAddress("centrifuge", { id: "auto-5", region: "auto" });
    await coordinator().report({ shard, status, moves: [] }, CONTRACT);
    const untold = await runInDurableObject(coordinatorObject(), (_, { storage }) =>
      storage.sql
        .exec<{ name: string }>("SELECT name FROM untold")
        .toArray()
        .map(({ name }) => name),
    );
    expect(untold).not.toContain("auto/auto-5");
  });
});
