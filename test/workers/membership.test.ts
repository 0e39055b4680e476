import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { forward } from "../../src/router/forward.ts";
import { RingCache } from "../../src/router/ring-cache.ts";
import { Coordinator } from "../../src/coordinator/coordinator.ts";
import { Shard } from "../../src/shard/shard.ts";
import type { Change } from "../../src/contracts/change.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import {
  adopted,
  appointmentsOf,
  changeRing,
  Client,
  coldRouter,
  coordinator,
  keysOf,
  settled,
  shard,
  shardObject,
  startOver,
  until,
} from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

async function change(wanted: Change, dryRun = false) {
  const answer = await changeRing(wanted, { dryRun });
  if (answer.kind === "refused") throw new Error(answer.message);
  return answer.result;
}

const report = async () => coordinator().cluster(CONTRACT);
const shardRow = async (id: string) => (await report()).shards.find((one) => one.id === id);

describe("[MB1] epochs only grow", () => {
  test("each change makes one epoch with its cause, and every shard adopts it", async () => {
    expect((await coordinator().descriptor(CONTRACT)).epoch).toBe(1);
    await change({ kind: "add", count: 2 });
    await change({ kind: "weight", id: "auto-5", weight: 32 });
    await change({ kind: "rollback", ringEpoch: 1 });
    const epochs = await coordinator().epochs(10, CONTRACT);
    expect(epochs.map(({ ringEpoch, cause }) => `${ringEpoch} ${cause}`)).toEqual([
      "4 rollback to epoch 1",
      "3 weight auto-5 32",
      "2 add auto-5, auto-6",
      "1 the configured shards",
    ]);
    for (const id of ["auto-1", "auto-2", "auto-3", "auto-4", "auto-5", "auto-6"]) {
      expect((await shard(id).status(CONTRACT)).ringEpoch).toBe(4);
    }
  });
});

describe("[MB5] a dry run says exactly what would happen, and changes nothing", () => {
  test("a dry run predicts each kind of change", async () => {
    const clients = await Promise.all(Array.from({ length: 40 }, (_, n) => Client.connect(`guest-${n}`)));
    const before = await report();
    const changes: Change[] = [
      { kind: "add", count: 3 },
      { kind: "drain", id: "auto-2" },
      { kind: "remove", id: "auto-3" },
      { kind: "weight", id: "auto-1", weight: 1 },
    ];
    for (const wanted of changes) {
      const dry = await change(wanted, true);
      expect(dry).toMatchObject({ changed: true, dryRun: true, ringEpoch: 2 });
      expect(dry.predicted.moving).toBeGreaterThan(0);
      expect(dry.diff?.moves.length).toBeGreaterThan(0);
    }
    const after = await report();
    expect({ ...after, shards: after.shards.map(({ seenAgeMs: _age, ...row }) => row) }).toEqual({
      ...before,
      shards: before.shards.map(({ seenAgeMs: _age, ...row }) => row),
    });
    expect(await coordinator().epochs(5, CONTRACT)).toHaveLength(1);
    expect(clients.filter(({ closeCode }) => closeCode !== undefined)).toEqual([]);
    const dry = await change({ kind: "drain", id: "auto-2" }, true);
    expect((await change({ kind: "drain", id: "auto-2" })).predicted).toEqual(dry.predicted);
  });
});

describe("[MB6] a shard that could not be told is told later", () => {
  /** Stops the coordinator's alarm, which would tell the shards too, a second later. */
  const onlyConnectionsTell = () => vi.spyOn(Coordinator.prototype, "alarm").mockResolvedValue(undefined);

  test("the coordinator keeps the row of such a shard until the shard has adopted the epoch", async () => {
    const original = Shard.prototype.adopt;
    let deaf = true;
    vi.spyOn(Shard.prototype, "adopt").mockImplementation(async function (
      this: InstanceType<typeof Shard>,
      descriptor,
      ...rest
    ) {
      if (deaf && descriptor.epoch === 2) throw new Error("deaf");
      await original.call(this, descriptor, ...rest);
    });
    const { told } = await change({ kind: "add", count: 1 });
    expect(told).toEqual({ shards: 0, pending: ["auto-1", "auto-2", "auto-3", "auto-4", "auto-5"] });
    expect((await report()).untold).toHaveLength(5);
    deaf = false;
    // The coordinator's alarm tells the shards a second later.
    await until(async () => (await report()).untold.length === 0);
    expect((await shard("auto-3").status(CONTRACT)).ringEpoch).toBe(2);
  });

  test("a connection brings the epoch to a shard that the coordinator could not tell", async () => {
    await Client.connect("warm-up");
    onlyConnectionsTell();
    const deaf = vi.spyOn(Shard.prototype, "adopt").mockRejectedValue(new Error("deaf"));
    await change({ kind: "add", count: 1 });
    deaf.mockRestore();
    const [key] = await keysOf("auto-5", 1);
    const client = await Client.connect(key ?? "");
    expect(client.closeCode).toBeUndefined();
    expect((await shardRow("auto-5"))?.status?.sessions).toBe(1);
  });

  test("a connection that could not bring the epoch tries again", async () => {
    for (const id of ["auto-1", "auto-2", "auto-3", "auto-4"]) {
      await Client.connect((await keysOf(id, 1))[0] ?? "");
    }
    const [key = ""] = await keysOf("auto-1", 1);
    await adopted();
    onlyConnectionsTell();
    const deaf = vi.spyOn(Shard.prototype, "adopt").mockRejectedValue(new Error("deaf"));
    await change({ kind: "remove", id: "auto-1" });
    deaf.mockRestore();
    const lost = vi.spyOn(Shard.prototype, "adopt").mockRejectedValueOnce(new Error("lost"));
    const descriptor = await coordinator().descriptor(CONTRACT);
    const cache = new RingCache(descriptor);
    const forwarded = await forward({ env, cache, key, clientRegion: "auto" });
    expect(forwarded.kind).toBe("connected");
    expect(lost).toHaveBeenCalledTimes(2);
  });
});

describe("[MB8] the data path needs no coordinator", () => {
  /** Counts the calls to the coordinator from now on, and the shards that are about to make one. */
  function watchCoordinator() {
    const spies = (["descriptor", "report", "cluster"] as const).map((name) =>
      vi.spyOn(Coordinator.prototype, name),
    );
    // A shard also reports its counts by its own alarm. Without alarms the test sees every other cause of a report.
    vi.spyOn(Shard.prototype, "alarm").mockResolvedValue(undefined);
    return {
      calls: () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0),
      reporting: async (ids: readonly string[]) => {
        const appointments = await Promise.all(ids.map((id) => appointmentsOf(shardObject(id))));
        return ids.filter((_, n) => appointments[n]?.includes("report"));
      },
    };
  }
  const CONFIGURED = ["auto-1", "auto-2", "auto-3", "auto-4"];

  test("in steady state a connection and its traffic make no call to the coordinator", async () => {
    for (const id of CONFIGURED) {
      const [key] = await keysOf(id, 1);
      await Client.connect(key ?? "");
      await until(async () => (await shard(id).status(CONTRACT)).ringEpoch === 1);
      await runDurableObjectAlarm(shardObject(id));
    }
    await settled();
    const { calls, reporting } = watchCoordinator();
    for (let n = 0; n < 20; n++) {
      const client = await Client.connect(`steady-${n}`);
      await client.ask({ subscribe: { channel: "room" } });
      await client.ask({ publish: { channel: "room", data: n } });
    }
    expect(calls()).toBe(0);
    expect(await reporting(CONFIGURED)).toEqual([]);
  });

  test("a stale router is corrected within the same request", async () => {
    await Client.connect("warm-up");
    const stale = coldRouter();
    await Client.connect("warm-up", { fetcher: stale });
    await change({ kind: "add", count: 4 });
    const added = ["auto-5", "auto-6", "auto-7", "auto-8"];
    const keys = (await Promise.all(added.map((id) => keysOf(id, 1)))).flat();
    await settled();
    const { calls, reporting } = watchCoordinator();
    for (const key of keys) await Client.connect(key, { fetcher: stale });
    expect(calls()).toBe(0);
    expect(await reporting([...CONFIGURED, ...added])).toEqual([]);
    for (const id of added) expect((await shardRow(id))?.status?.sessions).toBe(1);
  });

  test("a cold router connects clients while the coordinator cannot be reached", async () => {
    await Client.connect("warm-up");
    await change({ kind: "add", count: 4 });
    await change({ kind: "remove", id: "auto-2" });
    await adopted();
    const [added] = await keysOf("auto-7", 1);
    const [stayed] = await keysOf("auto-1", 1);
    for (const name of ["descriptor", "report", "cluster"] as const) {
      vi.spyOn(Coordinator.prototype, name).mockImplementation(() => {
        throw new Error("unreachable");
      });
    }
    for (const key of [added, stayed]) {
      const client = await Client.connect(key ?? "", { fetcher: coldRouter() });
      expect((await client.ask({ subscribe: { channel: "room" } }))["subscribe"]).toEqual({});
    }
  });
});

describe("[MV2] a drained shard is empty when its sessions are gone", () => {
  test("a peer that never answers the close frame does not keep the shard", async () => {
    const [key] = await keysOf("auto-1", 1);
    const mute = await Client.connect(key ?? "", { halfOpen: true });
    await change({ kind: "drain", id: "auto-1" });
    await runDurableObjectAlarm(shardObject("auto-1"));
    expect(await mute.closed).toBe(4001);
    // For the runtime the unanswered socket still exists, and it would return after a sleep.
    await until(async () => {
      await evictDurableObject(shardObject("auto-1"));
      await runDurableObjectAlarm(shardObject("auto-1"));
      return (await shardRow("auto-1")) === undefined;
    });
    expect((await coordinator().descriptor(CONTRACT)).shards.map(({ id }) => id)).toEqual([
      "auto-2",
      "auto-3",
      "auto-4",
    ]);
    expect((await shard("auto-1").status(CONTRACT)).sessions).toBe(0);
  });
});

describe("[MV4] an old close never removes a newer session", () => {
  test("a user that reconnects before the shard sees the end of the old socket keeps the new session", async () => {
    const [key] = await keysOf("auto-1", 1);
    const old = await Client.connect(key ?? "", { halfOpen: true });
    await old.ask({ subscribe: { channel: "room" } });
    const renewed = await Client.connect(key ?? "");
    await renewed.ask({ subscribe: { channel: "room" } });
    old.socket.close(1000, "late");
    await until(async () => (await shard("auto-1").status(CONTRACT)).sessions === 1);
    await renewed.ask({ publish: { channel: "room", data: "still here" } });
    await until(() => renewed.heard("room").length === 1);
  });
});
