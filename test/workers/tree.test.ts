import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { isDeliverBranch } from "../../src/contracts/orders.ts";
import { Shard } from "../../src/index.ts";
import { BROADCAST, broadcast, clientOn, heard } from "./broadcasts.ts";
import { adopted, api, changeRing, channelObject, startOver, until } from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

describe("[FO5] an order to more than 32 shards goes down a tree", () => {
  const many = async (count: number) => {
    await changeRing({ kind: "add", count: count - 4 });
    await adopted();
    const ids = Array.from({ length: count }, (_, n) => `auto-${n + 1}`);
    return Promise.all(ids.map((id) => clientOn(id)));
  };

  /** Counts the calls to relays for deliveries of a channel. */
  const spyOnRelays = (channel: string) => {
    const relays = vi.spyOn(Shard.prototype, "relay");
    return () =>
      relays.mock.calls.filter(
        ([{ order }]) => order.kind === "deliver" && order.delivery.channel === channel,
      ).length;
  };

  test("a broadcast over 100 shards reaches every client once, also when a relay dies in the middle", async () => {
    const clients = await many(100);
    const relays = spyOnRelays(BROADCAST);
    const { result } = await broadcast(1);
    expect(result.delivered).toBe(100);
    expect(result.shards.length).toBe(100);
    expect(relays()).toBe(10);
    vi.restoreAllMocks();

    const original = Shard.prototype.relay;
    let died = 0;
    vi.spyOn(Shard.prototype, "relay").mockImplementation(async function (
      this: InstanceType<typeof Shard>,
      branch,
      contract,
    ) {
      if (died > 0) return original.call(this, branch, contract);
      died += 1;
      if (!isDeliverBranch(branch)) throw new Error("no broadcast");
      await original.call(this, { ...branch, targets: branch.targets.slice(0, 4) }, contract);
      throw new Error("died in the middle");
    });
    const second = (await broadcast(2)).result;
    expect(died).toBe(1);
    expect(second.delivered).toBe(100);
    await until(() => clients.every((client) => heard(client).length === 2));
    expect(new Set(clients.map((client) => heard(client).join()))).toEqual(new Set(["1,2"]));
  });

  test("a publication in a channel with many listening shards goes down a tree too", async () => {
    const clients = await many(40);
    for (const client of clients) await client.ask({ subscribe: { channel: "kept:wide" } });
    const relays = spyOnRelays("kept:wide");
    await api("publish", { channel: "kept:wide", data: 1 });
    await until(() => clients.every((client) => client.heard("kept:wide").length === 1));
    expect(relays()).toBe(7);
    // A shard without listeners tells the channel so through its relay, and the channel calls it no more.
    for (const client of clients.slice(0, 20)) client.socket.close(1000);
    await until(async () => (await api("channels", {})).result.channels["kept:wide"].num_clients === 20);
    await api("publish", { channel: "kept:wide", data: 2 });
    await until(() => clients.slice(20).every((client) => client.heard("kept:wide").length === 2));
    const listeners = () =>
      runInDurableObject(
        channelObject("kept:wide"),
        (_, { storage }) => storage.sql.exec("SELECT name FROM listeners").toArray().length,
      );
    await until(async () => (await listeners()) === 20);
    const delivered = vi.spyOn(Shard.prototype, "deliver");
    await api("publish", { channel: "kept:wide", data: 3 });
    await until(() => clients.slice(20).every((client) => client.heard("kept:wide").length === 3));
    const third = delivered.mock.calls.filter(
      ([{ channel, entries }]) =>
        channel === "kept:wide" && entries.some((entry) => entry.kind === "pub" && entry.offset === 3),
    );
    expect(third).toHaveLength(20);
  });

  test("[EL64] a channel with listeners on 200 shards makes 15 calls for each batch", async () => {
    const clients = await many(200);
    for (const client of clients) await client.ask({ subscribe: { channel: "kept:wide" } });
    const relays = spyOnRelays("kept:wide");
    const delivered = vi.spyOn(Shard.prototype, "deliver");
    const data = Array.from({ length: 20 }, (_, n) => n + 1);
    const commands = data.map((value) => ({ publish: { channel: "kept:wide", data: value } }));
    await api("batch", { commands });
    await until(() => clients.every((client) => client.heard("kept:wide").length === data.length));
    for (const client of clients) expect(client.heard("kept:wide")).toEqual(data);
    // Each batch goes to each shard once: to a relay by the channel, to the others by their relay.
    const batches = relays() / 15;
    expect(Number.isInteger(batches)).toBe(true);
    const direct = delivered.mock.calls.filter(([{ channel }]) => channel === "kept:wide").length;
    expect(direct).toBe(batches * (200 - 15));
    vi.restoreAllMocks();

    // A relay that dies loses none of its shards: the channel calls them itself.
    const { relay } = Shard.prototype;
    let died = 0;
    vi.spyOn(Shard.prototype, "relay").mockImplementation(async function (
      this: InstanceType<typeof Shard>,
      ...args
    ) {
      died += 1;
      if (died === 1) throw new Error("died");
      return relay.apply(this, args);
    });
    await api("batch", { commands });
    await until(() => clients.every((client) => client.heard("kept:wide").length === 2 * data.length));
    for (const client of clients) expect(client.heard("kept:wide")).toEqual([...data, ...data]);
  });
});
