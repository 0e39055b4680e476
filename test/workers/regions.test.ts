import { env } from "cloudflare:workers";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Change } from "../../src/contracts/change.ts";
import { Coordinator } from "../../src/coordinator/coordinator.ts";
import { Shard } from "../../src/shard/shard.ts";
import { forward } from "../../src/router/forward.ts";
import { RingCache } from "../../src/router/ring-cache.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import {
  adopted,
  api,
  appointmentsOf,
  changeRing,
  Client,
  coordinator,
  coordinatorObject,
  Gate,
  nameOf,
  shardObject,
  startOver,
  until,
} from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

type Served = InstanceType<typeof Shard>;

/** The shards of these regions, or single ones, fail every call until `end`. */
function cutOff(...names: string[]): { end(name: string): void; calls(): number } {
  let calls = 0;
  const cut = new Set(names);
  const stop = (object: unknown): void => {
    if (![...cut].some((name) => `${nameOf(object)}/`.startsWith(`${name}/`))) return;
    calls += 1;
    throw new Error("this region is cut off");
  };
  const { status, adopt, predict, fetch, sendOwned } = Shard.prototype;
  vi.spyOn(Shard.prototype, "sendOwned").mockImplementation(function (this: Served, ...args) {
    stop(this);
    return sendOwned.apply(this, args);
  });
  vi.spyOn(Shard.prototype, "status").mockImplementation(function (this: Served, ...args) {
    stop(this);
    return status.apply(this, args);
  });
  vi.spyOn(Shard.prototype, "adopt").mockImplementation(function (this: Served, ...args) {
    stop(this);
    return adopt.apply(this, args);
  });
  vi.spyOn(Shard.prototype, "predict").mockImplementation(function (this: Served, ...args) {
    stop(this);
    return predict.apply(this, args);
  });
  vi.spyOn(Shard.prototype, "fetch").mockImplementation(function (this: Served, ...args) {
    stop(this);
    return fetch.apply(this, args);
  });
  return { end: (name) => void cut.delete(name), calls: () => calls };
}

const addRegion = (region: string, count: number) => changeRing({ kind: "add", count, region });

const changeTo = async (change: Change) => {
  const answer = await changeRing(change);
  if (answer.kind === "refused") throw new Error(answer.message);
  return answer.result;
};

/** Waits until every shard of a region knows the present epoch. */
const adoptedBy = (region: string) =>
  until(async () => {
    const { ringEpoch, shards } = await coordinator().cluster(CONTRACT);
    const here = shards.filter((shard) => shard.region === region);
    return here.every(({ status }) => status?.ringEpoch === ringEpoch);
  });

const statesOf = async () =>
  Object.fromEntries((await coordinator().cluster(CONTRACT)).shards.map(({ id, state }) => [id, state]));

describe("[EL40] a region that does not answer is out of the ring", () => {
  test("the coordinator takes it out by an epoch, and brings it back by another", async () => {
    await addRegion("enam", 2);
    await adopted();
    const outage = cutOff("enam");
    await coordinator().unreachable("enam", CONTRACT);
    await until(async () => (await statesOf())["enam-1"] === "down");
    expect(await statesOf()).toMatchObject({ "auto-1": "active", "enam-1": "down", "enam-2": "down" });
    const [epoch] = await coordinator().epochs(1, CONTRACT);
    expect(epoch).toMatchObject({
      by: "failover",
      cause: "outage: no shard of enam has answered 3 checks in a row",
    });
    expect(await appointmentsOf(coordinatorObject())).toContain("regions");
    outage.end("enam");
    await until(async () => (await statesOf())["enam-1"] === "active");
    expect((await coordinator().epochs(1, CONTRACT))[0]?.cause).toBe(
      "recovery: enam-1, enam-2 of enam answer again",
    );
  });

  test("a shard that is down stays in the descriptor, and a rollback does not bring it back", async () => {
    await addRegion("enam", 1);
    await adopted();
    cutOff("enam");
    await coordinator().unreachable("enam", CONTRACT);
    await until(async () => (await statesOf())["enam-1"] === "down");
    await coordinator().drained("enam-1", CONTRACT);
    expect(await statesOf()).toMatchObject({ "enam-1": "down" });
    await changeRing({ kind: "weight", id: "auto-1", weight: 3 });
    await changeRing({ kind: "rollback", ringEpoch: 2 });
    const { shards } = await coordinator().descriptor(CONTRACT);
    expect(shards.find(({ id }) => id === "enam-1")?.state).toBe("down");
    expect(shards.find(({ id }) => id === "auto-1")?.weight).toBe(16);
  });

  test("an operator's word counts more: a removed shard is checked no more", async () => {
    await addRegion("enam", 1);
    await adopted();
    cutOff("enam");
    await coordinator().unreachable("enam", CONTRACT);
    await until(async () => (await statesOf())["enam-1"] === "down");
    await changeRing({ kind: "remove", id: "enam-1" });
    await until(async () => !(await appointmentsOf(coordinatorObject())).includes("regions"));
  });
});

test("[BD104] the coordinator forgets outages of long ago, and no other", async () => {
  const hours = 3_600_000;
  const kept = () =>
    runInDurableObject(coordinatorObject(), (_, { storage }) =>
      Object.keys(storage.kv.get<object>("outages") ?? {}).toSorted(),
    );
  await coordinator().descriptor(CONTRACT);
  await runInDurableObject(coordinatorObject(), (_, { storage }) => {
    const past = {
      silentChecks: 0,
      blindChecks: 0,
      downSince: null,
      answered: {},
      relapses: 1,
      nextAt: null,
    };
    storage.kv.put("outages", {
      enam: { ...past, recoveredAt: Date.now() - 5 * hours },
      weur: { ...past, recoveredAt: Date.now() },
    });
  });
  await evictDurableObject(coordinatorObject());
  await coordinator().descriptor(CONTRACT);
  expect(await kept()).toEqual(["weur"]);
});

describe("[EL42] the default region takes the clients of a region that does not answer as guests", () => {
  /** A client of North America whose router is as old as `cache`. */
  async function connectFrom(cache: RingCache, key: string, clientRegion = "enam"): Promise<Client> {
    const forwarded = await forward({ env, cache, key, clientRegion });
    if (forwarded.kind === "unavailable") throw new Error(forwarded.message);
    const { webSocket } = forwarded.response;
    if (webSocket === null) throw new Error("no socket");
    const client = new Client(webSocket);
    webSocket.accept();
    await client.ask({ connect: {} });
    return client;
  }

  async function cacheOfRegion(shards: number): Promise<RingCache> {
    await addRegion("enam", shards);
    await adopted();
    return new RingCache(await coordinator().descriptor(CONTRACT));
  }

  const sessionsIn = async (region: string) => {
    const { shards } = await coordinator().cluster(CONTRACT);
    const here = shards.filter((shard) => shard.region === region);
    return here.reduce((sum, { status }) => sum + (status?.sessions ?? 0), 0);
  };

  test("a client is in within the request, the next one asks the region no more, and both stay", async () => {
    const cache = await cacheOfRegion(2);
    const outage = cutOff("enam");
    const before = cache.ring.descriptor.epoch;
    const ann = await connectFrom(cache, "ann");
    expect(cache.ring.descriptor.epoch).toBe(before);
    const asked = outage.calls();
    const bob = await connectFrom(cache, "bob");
    expect(outage.calls()).toBe(asked);
    expect(await sessionsIn("auto")).toBe(2);
    await until(async () => (await statesOf())["enam-1"] === "down");
    // The router has not heard of the epoch: the shard that takes the guest shows it.
    const cid = await connectFrom(cache, "cid");
    expect(cache.ring.descriptor.epoch).toBeGreaterThan(before);
    await adoptedBy("auto");
    expect([ann, bob, cid].map(({ closeCode }) => closeCode)).toEqual([undefined, undefined, undefined]);
    outage.end("enam");
    expect(await Promise.all([ann.closed, bob.closed, cid.closed])).toEqual([4001, 4001, 4001]);
    await connectFrom(cache, "ann");
    expect(await sessionsIn("enam")).toBe(1);
  });

  test("a guest goes home with the next epoch, where its region was never down", async () => {
    const cache = await cacheOfRegion(1);
    const outage = cutOff("enam");
    // The coordinator does not hear of it.
    vi.spyOn(Coordinator.prototype, "unreachable").mockRejectedValue(new Error("deaf"));
    const ann = await connectFrom(cache, "ann");
    outage.end("enam");
    const { predicted } = await changeTo({ kind: "weight", id: "enam-1", weight: 3 });
    expect(predicted.moving).toBe(1);
    expect(await ann.closed).toBe(4001);
  });

  test("[EL71] a guest goes home when its region answers again, without an epoch, and its shard then asks nobody", async () => {
    const cache = await cacheOfRegion(2);
    const outage = cutOff("enam");
    // The coordinator does not hear of it.
    vi.spyOn(Coordinator.prototype, "unreachable").mockRejectedValue(new Error("deaf"));
    const home = await connectFrom(cache, "bob", "auto");
    const ann = await connectFrom(cache, "ann");
    expect([await sessionsIn("auto"), await sessionsIn("enam")]).toEqual([2, 0]);
    const before = cache.ring.descriptor.epoch;
    outage.end("enam");
    expect(await ann.closed).toBe(4001);
    expect((await coordinator().descriptor(CONTRACT)).epoch).toBe(before);
    cache.verdicts.clear();
    await connectFrom(cache, "ann");
    expect([await sessionsIn("auto"), await sessionsIn("enam")]).toEqual([1, 1]);
    expect(home.closeCode).toBeUndefined();
    // A guest is no move of the epoch.
    expect((await coordinator().epochs(1, CONTRACT))[0]).toMatchObject({ moved: 0 });
    for (const { id } of cache.ring.descriptor.shards.filter(({ region }) => region === "auto"))
      await until(async () => !(await appointmentsOf(shardObject(id))).includes("guests"));
  });

  test("[EL71] a guest stays while its region does not answer, and through a sleep of its shard", async () => {
    const cache = await cacheOfRegion(1);
    const outage = cutOff("enam");
    vi.spyOn(Coordinator.prototype, "unreachable").mockRejectedValue(new Error("deaf"));
    const ann = await connectFrom(cache, "ann");
    const host = shardObject(cache.ring.owner("ann", "auto")?.id ?? "");
    const asked = outage.calls();
    await until(async () => outage.calls() > asked + 2);
    expect(ann.closeCode).toBeUndefined();
    await evictDurableObject(host);
    await until(async () => (await appointmentsOf(host)).includes("guests"));
    outage.end("enam");
    expect(await ann.closed).toBe(4001);
  });

  test("a region of which another shard answers keeps its clients", async () => {
    const cache = await cacheOfRegion(2);
    cutOff("enam/enam-1", "enam/enam-2").end("enam/enam-2");
    const told = vi.spyOn(Coordinator.prototype, "unreachable");
    const key = Array.from({ length: 100 }, (_, n) => `key-${n}`).find(
      (one) => cache.ring.owner(one, "enam")?.id === "enam-1",
    );
    await expect(connectFrom(cache, key ?? "")).rejects.toThrow("the shard does not answer");
    expect(told).not.toHaveBeenCalled();
  });

  test("a region that hangs is as one that fails, and a shard that answers too late keeps nobody", async () => {
    const cache = await cacheOfRegion(1);
    const gate = new Gate();
    const { fetch } = Shard.prototype;
    vi.spyOn(Shard.prototype, "fetch").mockImplementation(async function (this: Served, ...args) {
      if (nameOf(this).startsWith("enam/")) await gate.pass();
      return fetch.apply(this, args);
    });
    vi.spyOn(Coordinator.prototype, "unreachable").mockRejectedValue(new Error("deaf"));
    const ann = await connectFrom(cache, "ann");
    gate.open();
    expect(await sessionsIn("auto")).toBe(1);
    await until(async () => (await sessionsIn("enam")) === 0);
    expect(ann.closeCode).toBeUndefined();
  });
});

test("[EL49] a message to a user does not wait each time for a region that is down", async () => {
  await addRegion("enam", 1);
  await adopted();
  const outage = cutOff("enam");
  await coordinator().unreachable("enam", CONTRACT);
  await until(async () => (await statesOf())["enam-1"] === "down");
  // The coordinator's own checks and orders call the region too.
  const asked = () =>
    vi.mocked(Shard.prototype.sendOwned).mock.contexts.filter((one) => nameOf(one) === "enam/enam-1");
  const send = async () => (await api("send", { user: "ann", data: {}, mode: "ring" })).result;
  const first = await send();
  expect(first.shards).toContainEqual(expect.objectContaining({ shard: "enam-1", ok: false }));
  const before = asked().length;
  expect(before).toBeGreaterThan(0);
  const second = await send();
  expect(second.shards).toContainEqual(expect.objectContaining({ shard: "enam-1", ok: false }));
  expect(asked().length).toBe(before);
  outage.end("enam");
  await until(async () => (await statesOf())["enam-1"] === "active");
  await until(async () => (await send()).shards.every((shard: { ok: boolean }) => shard.ok));
  expect(asked().length).toBeGreaterThan(before);
});

describe("[EL41] the word of a router takes no region down", () => {
  const epoch = async () => (await coordinator().descriptor(CONTRACT)).epoch;
  const hasChecked = () =>
    until(async () => !(await appointmentsOf(coordinatorObject())).includes("regions"));

  test("a region that answers stays, and is asked once in the pause", async () => {
    await addRegion("enam", 1);
    await adopted();
    const before = await epoch();
    const asked = vi.spyOn(Shard.prototype, "status");
    await Promise.all(Array.from({ length: 50 }, () => coordinator().unreachable("enam", CONTRACT)));
    await hasChecked();
    // Once for each shard of the region and of the default region, and a second time where the first was over early.
    expect(asked.mock.calls.length).toBeLessThanOrEqual(2 * 5);
    expect(await epoch()).toBe(before);
  });

  test("a region of which one shard answers stays", async () => {
    await addRegion("enam", 2);
    await adopted();
    const before = await epoch();
    cutOff("enam/enam-2");
    await coordinator().unreachable("enam", CONTRACT);
    await hasChecked();
    expect(await epoch()).toBe(before);
  });

  test("the default region and an unknown region are not even asked", async () => {
    const asked = vi.spyOn(Shard.prototype, "status");
    await coordinator().unreachable("auto", CONTRACT);
    await coordinator().unreachable("nowhere", CONTRACT);
    expect(await appointmentsOf(coordinatorObject())).not.toContain("regions");
    expect(asked).not.toHaveBeenCalled();
  });

  test("a region stays where the coordinator does not reach the default region either", async () => {
    await addRegion("enam", 1);
    await adopted();
    const before = await epoch();
    const outage = cutOff("enam", "auto");
    await coordinator().unreachable("enam", CONTRACT);
    const blind = () =>
      runInDurableObject(coordinatorObject(), (_, { storage }) => {
        const watches = storage.kv.get<Record<string, { blindChecks: number }>>("outages");
        return watches?.["enam"]?.blindChecks ?? 0;
      });
    await until(async () => (await blind()) > 3);
    expect(await epoch()).toBe(before);
    outage.end("auto");
    await until(async () => (await epoch()) > before);
  });
});
