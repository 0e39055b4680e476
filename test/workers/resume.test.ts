import { env } from "cloudflare:workers";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { Shard } from "../../src/shard/shard.ts";
import { channelStub } from "../../src/platform/calls.ts";
import type { Delivered, Delivery } from "../../src/contracts/orders.ts";
import { tier } from "../support/tier.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { api, Client, Gate, keysOf, nameOf, shardObject, startOver, until } from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

/** The number of clients that resume at once on each of four shards. */
const CROWD = tier({ quick: 100, release: 500 });

type Subscribed = {
  epoch: string;
  offset: number;
  recovered?: boolean;
  was_recovering?: boolean;
  publications?: { offset: number; data: number }[];
};
type ShardObject = InstanceType<typeof Shard>;

async function subscribe(client: Client, channel: string, fields: object = {}): Promise<Subscribed> {
  const reply = await client.ask({ subscribe: { channel, ...fields } });
  if (reply.error !== undefined) throw new Error(`error ${reply.error.code}`);
  return reply["subscribe"] as Subscribed;
}

async function publish(client: Client, channel: string, ...data: number[]): Promise<void> {
  for (const one of data) await client.ask({ publish: { channel, data: one } });
}

const clientOn = async (shardId: string) => Client.connect((await keysOf(shardId, 1))[0] ?? "");
const data = (result: Subscribed) => result.publications?.map((one) => one.data);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** Calls `decide` before each delivery to a shard; a delivery waits for it. */
function onDelivery(decide: (shardName: string, delivery: Delivery) => Promise<void>): void {
  const original = Shard.prototype.deliver;
  vi.spyOn(Shard.prototype, "deliver").mockImplementation(async function (
    this: ShardObject,
    delivery,
    contract,
  ): Promise<Delivered> {
    await decide(nameOf(this), delivery);
    return original.call(this, delivery, contract);
  });
}

test("[DL2, DL3] a publication that was dropped from the history is not resumed from a shard's memory either", async () => {
  const [ann, bob] = [await clientOn("auto-1"), await clientOn("auto-2")];
  const { epoch } = await subscribe(ann, "kept:a");
  await publish(bob, "kept:a", 1, 2);
  await until(() => ann.heard("kept:a").length === 2);
  expect(await api("history_remove", { channel: "kept:a" })).toEqual({ result: {} });
  await publish(bob, "kept:a", 3);
  await until(() => ann.heard("kept:a").length === 3);
  const late = await subscribe(await clientOn("auto-1"), "kept:a", { recover: true, offset: 1, epoch });
  expect(late).toMatchObject({ was_recovering: true, offset: 3 });
  expect([late.recovered, late.publications]).toEqual([undefined, undefined]);
  const near = await subscribe(await clientOn("auto-1"), "kept:a", { recover: true, offset: 2, epoch });
  expect([near.recovered, data(near)]).toEqual([true, [3]]);
});

describe("[DL2] a resumed subscriber receives what it missed, once and in order", () => {
  for (const since of [0, 7, 19, 20]) {
    test(`a subscriber at offset ${since} of 20 gets its offset echoed, the rest, and then live publications`, async () => {
      const [ann, bob] = [await clientOn("auto-1"), await clientOn("auto-2")];
      const { epoch } = await subscribe(ann, "kept:a");
      await publish(bob, "kept:a", ...range(1, 20));
      for (const wish of [{ epoch }, {}]) {
        const client = await clientOn("auto-3");
        const result = await subscribe(client, "kept:a", { recover: true, offset: since, ...wish });
        expect(result).toMatchObject({ recovered: true, was_recovering: true, offset: since, epoch });
        expect(data(result) ?? []).toEqual(range(since + 1, 20));
        client.socket.close();
      }
      const live = await clientOn("auto-4");
      await subscribe(live, "kept:a", { recover: true, offset: since, epoch });
      await publish(bob, "kept:a", 21);
      await until(() => live.heard("kept:a").length > 0);
      expect(live.heard("kept:a")).toEqual([21]);
    });
  }

  test("a shard that has the missed publications in memory answers without a call to the channel", async () => {
    const [ann, late] = [await clientOn("auto-1"), await clientOn("auto-1")];
    const { epoch } = await subscribe(ann, "kept:a");
    await publish(ann, "kept:a", 1, 2, 3);
    await until(() => ann.heard("kept:a").length === 3);
    const view = vi.spyOn(Channel.prototype, "view");
    expect(data(await subscribe(late, "kept:a", { recover: true, offset: 1, epoch }))).toEqual([2, 3]);
    expect(view.mock.contexts.map(nameOf)).not.toContain("kept:a");
  });
});

describe("[DL3] a subscriber that cannot get every missed publication is told so, and gets none", () => {
  test("a position of another log, of the future, in the trimmed part or too far back is not recovered", async () => {
    const [ann, bob] = [await clientOn("auto-1"), await clientOn("auto-2")];
    const { epoch } = await subscribe(ann, "short:a");
    await publish(bob, "short:a", ...range(1, 12));
    const cases = [
      { offset: 5, epoch: "other" },
      { offset: 13, epoch },
      { offset: 6, epoch },
      { offset: 0, epoch: "" },
    ];
    for (const position of cases) {
      const client = await clientOn("auto-3");
      const result = await subscribe(client, "short:a", { recover: true, ...position });
      expect(result).toMatchObject({ was_recovering: true, offset: 12, epoch });
      expect(result.recovered).toBeUndefined();
      expect(result.publications).toBeUndefined();
      const strict = await client.ask({ unsubscribe: { channel: "short:a" } });
      expect(strict["unsubscribe"]).toEqual({});
      const reply = await client.ask({
        subscribe: { channel: "short:a", recover: true, ...position, flag: 3 },
      });
      expect(reply.error?.code).toBe(112);
      // The refused client has no subscription.
      expect((await client.ask({ subscribe: { channel: "short:a" } }))["subscribe"]).toMatchObject({
        offset: 12,
      });
    }
  });

  test("a position within the rest of a trimmed log is still resumed", async () => {
    const ann = await clientOn("auto-1");
    const { epoch } = await subscribe(ann, "short:a");
    await publish(ann, "short:a", ...range(1, 12));
    const client = await clientOn("auto-3");
    expect(data(await subscribe(client, "short:a", { recover: true, offset: 7, epoch }))).toEqual(
      range(8, 12),
    );
  });
});

describe("[DL4] the former shard may be ahead of the new shard", () => {
  test("a client from a shard that was ahead of the new shard hears each publication once", async () => {
    const [ann, bob] = [await clientOn("auto-1"), await clientOn("auto-2")];
    const { epoch } = await subscribe(ann, "kept:a");
    await subscribe(bob, "kept:a");
    const gate = new Gate();
    onDelivery(async (name) => (name === "auto/auto-2" ? gate.pass() : undefined));
    await publish(ann, "kept:a", ...range(1, 6));
    await until(() => ann.heard("kept:a").length === 6);
    expect(bob.heard("kept:a")).toEqual([]);
    // Ann moves: she has heard offset 5, and her new shard has had no delivery yet.
    const moved = await clientOn("auto-2");
    const result = await subscribe(moved, "kept:a", { recover: true, offset: 5, epoch });
    expect(result).toMatchObject({ recovered: true });
    expect(data(result)).toEqual([6]);
    await publish(ann, "kept:a", 7);
    gate.open();
    await until(() => bob.heard("kept:a").length === 7 && moved.heard("kept:a").length > 0);
    expect(bob.heard("kept:a")).toEqual(range(1, 7));
    expect(moved.heard("kept:a")).toEqual([7]);
  });
});

describe("[DL5] a Channel that dies finishes when it wakes", () => {
  async function diesBeforeSending(): Promise<Client> {
    const [ann, bob] = [await clientOn("auto-1"), await clientOn("auto-2")];
    await subscribe(ann, "kept:a");
    onDelivery(() => new Promise(() => undefined));
    await publish(bob, "kept:a", 1, 2, 3);
    await channelStub(env, "kept:a")
      .crash()
      .catch(() => undefined);
    vi.restoreAllMocks();
    expect(ann.heard("kept:a")).toEqual([]);
    return ann;
  }

  test("any call wakes it", async () => {
    const ann = await diesBeforeSending();
    await channelStub(env, "kept:a").view(0, CONTRACT);
    await until(() => ann.heard("kept:a").length === 3);
    expect(ann.heard("kept:a")).toEqual([1, 2, 3]);
  });

  test("its alarm wakes it, if no call comes", async () => {
    const ann = await diesBeforeSending();
    await until(() => ann.heard("kept:a").length === 3);
    expect(ann.heard("kept:a")).toEqual([1, 2, 3]);
  });

  test("a shard drops the publications that it already has, also after its own sleep", async () => {
    const [ann, bob] = [await clientOn("auto-1"), await clientOn("auto-2")];
    await subscribe(ann, "kept:a");
    await publish(bob, "kept:a", 1, 2, 3);
    await until(() => ann.heard("kept:a").length === 3);
    // The channel has not recorded that these publications were delivered.
    await channelStub(env, "kept:a")
      .crash()
      .catch(() => undefined);
    await evictDurableObject(shardObject("auto-1"));
    await publish(bob, "kept:a", 4);
    await until(() => ann.heard("kept:a").includes(4));
    // Repeated deliveries come before newer ones.
    await publish(bob, "kept:a", 5);
    await until(() => ann.heard("kept:a").includes(5));
    expect(ann.heard("kept:a")).toEqual([1, 2, 3, 4, 5]);
  });

  test("a delivery whose answer is lost is not heard twice", async () => {
    const [ann, bob] = [await clientOn("auto-1"), await clientOn("auto-2")];
    await subscribe(ann, "kept:a");
    const original = Shard.prototype.deliver;
    let lost = 0;
    vi.spyOn(Shard.prototype, "deliver").mockImplementation(async function (
      this: ShardObject,
      delivery,
      contract,
    ) {
      const result = await original.call(this, delivery, contract);
      if (lost < 2) {
        lost += 1;
        throw new Error("the answer is lost");
      }
      return result;
    });
    await publish(bob, "kept:a", 1, 2, 3, 4);
    await until(() => lost === 2 && ann.heard("kept:a").includes(4));
    // Repeated deliveries come before newer ones.
    await publish(bob, "kept:a", 5);
    await until(() => ann.heard("kept:a").includes(5));
    expect(ann.heard("kept:a")).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("[DL6] a crowd that resumes costs the channel at most five calls for each shard", () => {
  /** Counts the calls with which shards ask a channel for missed publications. */
  function countCalls(channel: string): () => number {
    const spies = [vi.spyOn(Channel.prototype, "view"), vi.spyOn(Channel.prototype, "register")];
    return () =>
      spies.flatMap(({ mock }): unknown[] => mock.contexts).filter((object) => nameOf(object) === channel)
        .length;
  }

  test("300 clients of one shard resume, each from another position", async () => {
    const ann = await clientOn("auto-2");
    const { epoch } = await subscribe(ann, "kept:a");
    await publish(ann, "kept:a", ...range(1, 60));
    const keys = await keysOf("auto-1", 300);
    const crowd = await Promise.all(keys.map((key) => Client.connect(key)));
    const calls = countCalls("kept:a");
    const results = await Promise.all(
      crowd.map((client, n) => subscribe(client, "kept:a", { recover: true, offset: n % 61, epoch })),
    );
    for (const [n, result] of results.entries()) {
      expect(result.recovered).toBe(true);
      expect(data(result) ?? []).toEqual(range((n % 61) + 1, 60));
    }
    expect(calls()).toBeLessThanOrEqual(5);
  });

  test(`${4 * CROWD} clients on four shards resume at once`, async () => {
    const ann = await Client.connect("ann");
    const { epoch } = await subscribe(ann, "kept:a");
    await publish(ann, "kept:a", ...range(1, 30));
    const crowd: Client[] = [];
    for (const id of ["auto-1", "auto-2", "auto-3", "auto-4"]) {
      crowd.push(...(await Promise.all((await keysOf(id, CROWD)).map((key) => Client.connect(key)))));
    }
    const calls = countCalls("kept:a");
    const results = await Promise.all(
      crowd.map((client, n) => subscribe(client, "kept:a", { recover: true, offset: n % 31, epoch })),
    );
    for (const [n, result] of results.entries()) {
      expect(result.recovered).toBe(true);
      expect(data(result) ?? []).toEqual(range((n % 31) + 1, 30));
    }
    expect(calls()).toBeLessThanOrEqual(4 * 5);
  });
});

describe("[DL7] a publication that arrives during a subscribe is neither lost nor repeated", () => {
  test("a slow resume loses and repeats no publication", async () => {
    const [ann, bob] = [await clientOn("auto-1"), await clientOn("auto-2")];
    const { epoch } = await subscribe(ann, "kept:a");
    await publish(bob, "kept:a", ...range(1, 10));
    const gate = new Gate();
    const original = Channel.prototype.view;
    vi.spyOn(Channel.prototype, "view").mockImplementation(async function (
      this: InstanceType<typeof Channel>,
      after: number,
      contract: number,
    ) {
      const early = original.call(this, after, contract);
      asked = true;
      await gate.pass();
      return early;
    } as unknown as typeof original);
    let asked = false;
    let newest = 0;
    onDelivery(async (name, { entries }) => {
      const last = entries.at(-1);
      if (name === "auto/auto-3" && last?.kind === "pub") newest = last.offset;
    });
    // This shard does not know the channel. It must ask, and gets deliveries meanwhile.
    const client = await clientOn("auto-3");
    const subscribing = subscribe(client, "kept:a", { recover: true, offset: 4, epoch });
    await until(() => asked);
    await publish(bob, "kept:a", ...range(11, 15));
    await until(() => newest === 15);
    gate.open();
    const result = await subscribing;
    await publish(bob, "kept:a", 16);
    await until(() => client.heard("kept:a").includes(16));
    expect([...(data(result) ?? []), ...client.heard("kept:a")]).toEqual(range(5, 16));
  });
});

describe("[DL8] a shard that does not know its position does not guess", () => {
  test("its subscribers begin anew after 2500, get the missed publications, and are not ended again", async () => {
    const [ann, bob] = [await clientOn("auto-1"), await clientOn("auto-2")];
    const { epoch } = await subscribe(ann, "kept:a");
    await publish(bob, "kept:a", 1, 2);
    await until(() => ann.heard("kept:a").length === 2);
    await evictDurableObject(shardObject("auto-1"));
    await runInDurableObject(shardObject("auto-1"), (_, { storage }) => {
      storage.kv.delete("positions");
    });
    await evictDurableObject(shardObject("auto-1"));
    await channelStub(env, "kept:a")
      .crash()
      .catch(() => undefined);
    await publish(bob, "kept:a", 3);
    await until(() => ann.lines.some(({ push }) => push !== undefined && "unsubscribe" in push));
    const unsubscribed = ann.lines.filter(({ push }) => push !== undefined && "unsubscribe" in push);
    expect(unsubscribed.map(({ push }) => push)).toEqual([
      { channel: "kept:a", unsubscribe: { code: 2500, reason: "insufficient state" } },
    ]);
    expect(ann.heard("kept:a")).toEqual([1, 2]);
    expect(data(await subscribe(ann, "kept:a", { recover: true, offset: 2, epoch }))).toEqual([3]);
    await publish(bob, "kept:a", 4);
    await until(() => ann.heard("kept:a").length === 3);
    expect(ann.heard("kept:a")).toEqual([1, 2, 4]);
  });
});

test("[BD43] a client that subscribes anew before it is told of the end of its subscription is not told", async () => {
  const clients: Client[] = [];
  for (let n = 0; n < 30; n++) clients.push(await clientOn("auto-1"));
  for (const client of clients) await subscribe(client, "kept:a");
  const bob = await clientOn("auto-2");
  await publish(bob, "kept:a", 1);
  await until(() => clients.every((client) => client.heard("kept:a").length === 1));
  await evictDurableObject(shardObject("auto-1"));
  await runInDurableObject(shardObject("auto-1"), (_, { storage }) => {
    storage.kv.delete("positions");
  });
  await evictDurableObject(shardObject("auto-1"));
  await channelStub(env, "kept:a")
    .crash()
    .catch(() => undefined);
  const isTold = ({ lines }: Client) => lines.some(({ push }) => push !== undefined && "unsubscribe" in push);
  await publish(bob, "kept:a", 2);
  await until(() => clients.some(isTold));
  // The shard tells them one after the other. This one is among the last.
  const untold = clients.filter((client) => !isTold(client));
  const [anew] = untold.slice(Math.floor(untold.length / 2));
  if (anew === undefined) throw new Error("all clients have been told at once");
  await subscribe(anew, "kept:a");
  await until(() => clients.every((client) => client === anew || isTold(client)));
  await publish(bob, "kept:a", 3);
  await until(() => anew.heard("kept:a").includes(3));
  expect(isTold(anew)).toBe(false);
});

describe("[DL9] in cache mode a subscriber gets only the newest publication", () => {
  test("a subscriber that lacks the newest publication gets it", async () => {
    const [ann, bob] = [await clientOn("auto-1"), await clientOn("auto-2")];
    const empty = await subscribe(ann, "cache:a", { recover: true });
    expect([empty.recovered, empty.publications]).toEqual([undefined, undefined]);
    await publish(bob, "cache:a", 1, 2, 3);
    const { epoch } = empty;
    for (const position of [{}, { offset: 1, epoch }, { offset: 2, epoch: "other" }]) {
      const client = await clientOn("auto-3");
      const result = await subscribe(client, "cache:a", { recover: true, ...position });
      expect([result.recovered, data(result)]).toEqual([true, [3]]);
    }
    const client = await clientOn("auto-3");
    const result = await subscribe(client, "cache:a", { recover: true, offset: 3, epoch });
    expect([result.recovered, result.publications]).toEqual([true, undefined]);
  });
});
