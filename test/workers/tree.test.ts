import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { isDeliverBranch } from "../../src/contracts/orders.ts";
import { Shard } from "../../src/shard/shard.ts";
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

  /** A tree over so many shards begins with this many calls. */
  const relaysOf = (shards: number): number => Math.ceil(Math.sqrt(shards));

  /**
   * The shards that the first delivery of a channel calls: as relays, and each by itself. Calls that a slow machine
   * repeats, and what a shard that is behind gets later, do not count. There a shard may also be busy at the first
   * delivery, and get the publication with the next one.
   */
  const spyOnFirst = (channel: string) => {
    const relays = vi.spyOn(Shard.prototype, "relay");
    const direct = vi.spyOn(Shard.prototype, "deliver");
    return () => {
      const asRelays = relays.mock.calls.map(([{ order }], n) => ({
        shard: relays.mock.contexts[n],
        delivery: order.kind === "deliver" ? order.delivery : undefined,
      }));
      const alone = direct.mock.calls.map(([delivery], n) => ({ shard: direct.mock.contexts[n], delivery }));
      const ofChannel = [...asRelays, ...alone].filter(({ delivery }) => delivery?.channel === channel);
      const first = Math.min(...ofChannel.map(({ delivery }) => delivery?.since ?? 0));
      const shards = (calls: typeof ofChannel) =>
        new Set(
          calls
            .filter((call) => ofChannel.includes(call) && call.delivery?.since === first)
            .map(({ shard }) => shard),
        );
      return { relays: shards(asRelays).size, all: shards([...asRelays, ...alone]).size };
    };
  };

  const expectTree = ({ relays, all }: { relays: number; all: number }, most: number): void => {
    expect(relays).toBe(relaysOf(all));
    // Fewer shards are called one by one.
    expect(all).toBeGreaterThan(32);
    expect(all).toBeLessThanOrEqual(most);
  };

  test("a broadcast over 100 shards reaches every client once, also when a relay dies in the middle", async () => {
    const clients = await many(100);
    const first = spyOnFirst(BROADCAST);
    const { result } = await broadcast(1);
    expect(result.delivered).toBe(100);
    expect(result.shards.length).toBe(100);
    expectTree(first(), 100);
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
    const first = spyOnFirst("kept:wide");
    await api("publish", { channel: "kept:wide", data: 1 });
    await until(() => clients.every((client) => client.heard("kept:wide").length === 1));
    expectTree(first(), 40);
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

  test("[EL64] a channel with listeners on 200 shards makes as many calls for a batch as the root of their number: 15", async () => {
    const clients = await many(200);
    for (const client of clients) await client.ask({ subscribe: { channel: "kept:wide" } });
    const first = spyOnFirst("kept:wide");
    const data = Array.from({ length: 20 }, (_, n) => n + 1);
    const commands = data.map((value) => ({ publish: { channel: "kept:wide", data: value } }));
    await api("batch", { commands });
    await until(() => clients.every((client) => client.heard("kept:wide").length === data.length));
    for (const client of clients) expect(client.heard("kept:wide")).toEqual(data);
    expectTree(first(), 200);
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
