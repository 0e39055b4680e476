import { abortAllDurableObjects, evictDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Coordinator } from "../../src/coordinator/coordinator.ts";
import { Shard } from "../../src/shard/shard.ts";
import { BROADCAST, broadcast, clientOn, heard, joined } from "./broadcasts.ts";
import {
  api,
  changeRing,
  Client,
  coordinatorObject,
  Gate,
  keysOf,
  nameOf,
  positionsOf,
  shard,
  shardObject,
  startOver,
  until,
} from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

/** Reconnects with a position in the broadcast channel, as a stock client does. */
async function reconnect(shardId: string, at: { offset: number; epoch: string }): Promise<Client> {
  const client = await Client.open((await keysOf(shardId, 1))[0] ?? "");
  await client.ask({ connect: { subs: { [BROADCAST]: { recover: true, ...at } } } });
  return client;
}

/** Holds the deliveries of the broadcast channel to one shard. `held`: whether a delivery waits at the gate. */
function holdDeliveries(shardName: string): { readonly gate: Gate; readonly held: () => boolean } {
  const gate = new Gate();
  let held = false;
  const original = Shard.prototype.deliver;
  vi.spyOn(Shard.prototype, "deliver").mockImplementation(async function (
    this: InstanceType<typeof Shard>,
    delivery,
    contract,
  ) {
    if (nameOf(this) === shardName && delivery.channel === BROADCAST) {
      held = true;
      await gate.pass();
    }
    return original.call(this, delivery, contract);
  });
  return { gate, held: () => held };
}

/** The coordinator fails the calls that a connection, a broadcast or a resume needs. */
function silenceCoordinator(
  ...methods: ("descriptor" | "report" | "register" | "view" | "broadcast")[]
): () => void {
  if (methods.length === 0) methods = ["descriptor", "report", "register", "view", "broadcast"];
  const spies = methods.map((method) =>
    vi.spyOn(Coordinator.prototype, method).mockImplementation(() => {
      throw new Error("unreachable");
    }),
  );
  return () => {
    for (const spy of spies) spy.mockRestore();
  };
}

describe("[FO1] every session hears the broadcast channel", () => {
  test("a session hears it from its connect on, once and in order, on every shard", async () => {
    const early = [await clientOn("auto-1"), await clientOn("auto-2")];
    await broadcast(1, 2);
    const late = await clientOn("auto-1");
    expect(joined(late)).toMatchObject({ offset: 2, recoverable: true, positioned: true });
    await broadcast(3);
    await until(() => [...early, late].every((client) => heard(client).at(-1) === 3));
    expect([...early, late].map(heard)).toEqual([[1, 2, 3], [1, 2, 3], [3]]);
  });

  test("a client that reconnects gets the broadcasts that it missed, on any shard", async () => {
    const client = await clientOn("auto-1");
    await broadcast(1);
    const { epoch } = joined(client) ?? { epoch: "" };
    await broadcast(2, 3);
    for (const [where, lose] of [
      ["auto-1", async () => undefined],
      ["auto-3", async () => undefined],
      ["auto-1", () => evictDurableObject(shardObject("auto-1"), { webSockets: "close" })],
      ["auto-2", () => abortAllDurableObjects()],
    ] as const) {
      await lose();
      const back = await reconnect(where, { offset: 1, epoch });
      expect(joined(back)).toMatchObject({ recovered: true, offset: 1 });
      expect(heard(back)).toEqual([2, 3]);
    }
  });

  test("a broadcast that is repeated under its key gets the first answer, without a second report", async () => {
    const client = await clientOn("auto-1");
    const once = { channel: BROADCAST, data: 1, idempotency_key: "k", report: true };
    const { result } = await api("publish", once);
    expect(result).toMatchObject({ offset: 1, delivered: 1 });
    expect(await api("publish", once)).toEqual({ result: { offset: 1, epoch: result.epoch } });
    await broadcast(2);
    await until(() => heard(client).at(-1) === 2);
    expect(heard(client)).toEqual([1, 2]);
  });

  test("a shard that crashed does not trust the last position in its storage", async () => {
    const client = await clientOn("auto-1");
    await broadcast(1);
    await until(async () => (await positionsOf(shardObject("auto-1"))).get(BROADCAST) === 1);
    const { epoch } = joined(client) ?? { epoch: "" };
    await broadcast(2);
    await until(() => heard(client).length === 2);
    await shard("auto-1")
      .crash()
      .catch(() => undefined);
    const back = await reconnect("auto-1", { offset: 1, epoch });
    expect(joined(back)).toMatchObject({ recovered: true, offset: 1 });
    expect(heard(back)).toEqual([2]);
  });

  test("a crowd that reconnects costs the coordinator at most one call for each shard", async () => {
    const client = await clientOn("auto-1");
    await broadcast(1, 2);
    const { epoch } = joined(client) ?? { epoch: "" };
    await evictDurableObject(shardObject("auto-1"), { webSockets: "close" });
    const views = vi.spyOn(Coordinator.prototype, "view");
    const crowd = await Promise.all(
      Array.from({ length: 50 }, () => reconnect("auto-1", { offset: 1, epoch })),
    );
    expect(crowd.map(heard)).toEqual(crowd.map(() => [2]));
    expect(views.mock.calls.length).toBeLessThanOrEqual(1);
  });

  test("a client does not notice a sleep of the shard and of the coordinator", async () => {
    const client = await clientOn("auto-1");
    await broadcast(1);
    for (const n of [2, 3]) {
      await evictDurableObject(shardObject("auto-1"), { webSockets: "hibernate" });
      await evictDurableObject(coordinatorObject(), { webSockets: "hibernate" });
      await broadcast(n);
    }
    await until(() => heard(client).length === 3);
    expect(heard(client)).toEqual([1, 2, 3]);
  });
});

test("[FO6] a client may do nothing with the cluster's own channels, also where a namespace grants everything", async () => {
  const client = await clientOn("auto-1");
  for (const channel of [BROADCAST, "ringcast:other"]) {
    for (const command of [
      { subscribe: { channel: "ringcast:other" } },
      { publish: { channel, data: 1 } },
      { presence: { channel } },
      { presence_stats: { channel } },
      { history: { channel, limit: 1 } },
    ]) {
      expect((await client.ask(command)).error).toMatchObject({ code: 103 });
    }
  }
  expect((await client.ask({ subscribe: { channel: BROADCAST } })).error).toMatchObject({ code: 105 });
});

describe("[FO2] a broadcast accounts for every shard", () => {
  test("the result has the number of sessions that each shard delivered to", async () => {
    for (const id of ["auto-1", "auto-1", "auto-3"]) await clientOn(id);
    const { result } = await broadcast("x");
    expect(result).toMatchObject({ offset: 1, delivered: 3 });
    const counts = result.shards.map((one: any) => [one.shard, one.ok, one.delivered]);
    expect(counts.toSorted()).toEqual([
      ["auto-1", true, 2],
      ["auto-2", true, 0],
      ["auto-3", true, 1],
      ["auto-4", true, 0],
    ]);
  });

  test("a shard that does not answer in time is pending, and gets the broadcast later", async () => {
    const [mute, well] = [await clientOn("auto-2"), await clientOn("auto-1")];
    const { gate } = holdDeliveries("auto/auto-2");
    const { result } = await broadcast("x");
    expect(result.shards.find((one: any) => one.shard === "auto-2")).toMatchObject({
      ok: false,
      pending: true,
      delivered: 0,
    });
    expect(result.delivered).toBe(1);
    await until(() => heard(well).length > 0);
    expect([heard(well), heard(mute)]).toEqual([["x"], []]);
    gate.open();
    await until(() => heard(mute).length === 1);
  });

  test("[FO3] a shard that joins during a broadcast gets it, and the broadcast does not wait for a shard that leaves", async () => {
    await clientOn("auto-1");
    const { gate, held } = holdDeliveries("auto/auto-4");
    const going = broadcast("x");
    await until(held);
    await changeRing({ kind: "add", count: 1 });
    await changeRing({ kind: "remove", id: "auto-4" });
    const { result } = await going;
    expect(result.shards.map((one: any) => one.shard)).not.toContain("auto-4");
    gate.open();
    const onNew = await clientOn("auto-5");
    await broadcast("y");
    await until(() => heard(onNew).length > 0);
    expect(heard(onNew)).toEqual(["y"]);
  });

  test("a broadcast goes out once for each idempotency key", async () => {
    const client = await clientOn("auto-1");
    const order = { channel: BROADCAST, data: 1, idempotency_key: "k" };
    expect((await api("publish", order)).result.offset).toBe(1);
    expect((await api("publish", order)).result.offset).toBe(1);
    await broadcast(2);
    await until(() => heard(client).at(-1) === 2);
    expect(heard(client)).toEqual([1, 2]);
  });
});

describe("[FO4] while the coordinator is silent", () => {
  test("clients connect, publish and resume, and a broadcast is refused with a sentence", async () => {
    const first = await clientOn("auto-1");
    await broadcast(1);
    const { epoch } = joined(first) ?? { epoch: "" };
    const keys = await Promise.all(["auto-1", "auto-1", "auto-2"].map((id) => keysOf(id, 1)));
    silenceCoordinator();
    const fresh = await Client.connect(keys[0]?.[0] ?? "");
    expect(joined(fresh)).toMatchObject({ offset: 1, epoch });
    // The shard's own memory proves the resume.
    const back = await Client.open(keys[1]?.[0] ?? "");
    await back.ask({ connect: { subs: { [BROADCAST]: { recover: true, offset: 0, epoch } } } });
    expect(heard(back)).toEqual([1]);
    await fresh.ask({ subscribe: { channel: "kept:x" } });
    await back.ask({ publish: { channel: "kept:x", data: "y" } });
    await until(() => fresh.heard("kept:x").length === 1);
    const refused = await api("publish", { channel: BROADCAST, data: 2 });
    expect(refused.error).toEqual({
      code: 100,
      message: "internal server error: the coordinator does not answer",
    });
  });

  test("a client whose missed broadcasts cannot be read gets them later, in order, before newer ones", async () => {
    const first = await clientOn("auto-1");
    await broadcast(1, 2, 3);
    const { epoch } = joined(first) ?? { epoch: "" };
    const [key] = await keysOf("auto-1", 1);
    await evictDurableObject(shardObject("auto-1"), { webSockets: "close" });
    const speakAgain = silenceCoordinator();
    const back = await Client.open(key ?? "");
    await back.ask({ connect: { subs: { [BROADCAST]: { recover: true, offset: 1, epoch } } } });
    expect(joined(back)).toMatchObject({ recovered: true, offset: 1, epoch });
    expect(heard(back)).toEqual([]);
    speakAgain();
    await broadcast(4);
    await until(() => heard(back).length === 3);
    expect(heard(back)).toEqual([2, 3, 4]);
  });

  test("a new client is subscribed later, if its shard does not know the broadcast channel yet", async () => {
    const [key] = await keysOf("auto-1", 1);
    const speakAgain = silenceCoordinator("register", "view");
    const client = await Client.connect(key ?? "");
    expect(joined(client)).toBeUndefined();
    speakAgain();
    const told = () => client.lines.find(({ push }) => push?.channel === BROADCAST)?.push;
    await until(() => told() !== undefined);
    expect(told()).toMatchObject({ subscribe: { recoverable: true, offset: 0 } });
    await broadcast(1);
    await until(() => heard(client).length === 1);
  });

  test("a session whose position cannot be proven ends with 3010, and other sessions stay", async () => {
    const other = await clientOn("auto-1");
    const [key] = await keysOf("auto-1", 1);
    const speakAgain = silenceCoordinator();
    const back = await Client.open(key ?? "");
    await back.ask({ connect: { subs: { [BROADCAST]: { recover: true, offset: 7, epoch: "another" } } } });
    speakAgain();
    expect(await back.closed).toBe(3010);
    expect(other.closeCode).toBeUndefined();
  });
});
