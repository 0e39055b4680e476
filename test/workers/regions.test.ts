import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Shard } from "../../src/index.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import {
  adopted,
  appointmentsOf,
  changeRing,
  coordinator,
  coordinatorObject,
  nameOf,
  startOver,
  until,
} from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

type Served = InstanceType<typeof Shard>;

/** The shards of these regions, or single ones, fail every call until `end`. */
function cutOff(...names: string[]): { end(name: string): void } {
  const cut = new Set(names);
  const stop = (object: unknown): void => {
    if ([...cut].some((name) => `${nameOf(object)}/`.startsWith(`${name}/`)))
      throw new Error("this region is cut off");
  };
  const { status, adopt, predict, fetch } = Shard.prototype;
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
  return { end: (name) => void cut.delete(name) };
}

const addRegion = (region: string, count: number) => changeRing({ kind: "add", count, region });

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
