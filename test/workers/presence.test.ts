import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { callNew, channelStub } from "../../src/platform/calls.ts";
import { Shard } from "../../src/shard/shard.ts";
import { api, channelObject, Client, keysOf, startOver } from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

const ROOM = "kept:crowd";

/** Clients of a shard that listen to the room. */
async function listeners(shard: string, count: number): Promise<Client[]> {
  const clients = await Promise.all((await keysOf(shard, count)).map((key) => Client.connect(key)));
  for (const client of clients) await client.ask({ subscribe: { channel: ROOM } });
  return clients;
}

describe("[BD64] a presence over the limit is refused, and counted all the same", () => {
  test("for a back end and for a client, wherever the clients are", async () => {
    const [ann] = (await listeners("auto-1", 25)) as [Client, ...Client[]];
    await listeners("auto-2", 15);
    const { result } = await api("presence", { channel: ROOM });
    expect(Object.keys(result.presence)).toHaveLength(40);
    const whole = (await ann.ask({ presence: { channel: ROOM } }))["presence"] as { presence: object };
    expect(Object.keys(whole.presence)).toHaveLength(40);

    const [late] = (await listeners("auto-3", 1)) as [Client];
    expect((await api("presence", { channel: ROOM })).error).toMatchObject({ code: 106 });
    expect((await late.ask({ presence: { channel: ROOM } })).error).toMatchObject({ code: 106 });
    const stats = { num_clients: 41, num_users: 1 };
    expect((await api("presence_stats", { channel: ROOM })).result).toEqual(stats);
    expect((await late.ask({ presence_stats: { channel: ROOM } }))["presence_stats"]).toEqual(stats);
  });

  test("a count moves no list between objects", async () => {
    const [ann] = (await listeners("auto-1", 2)) as [Client];
    await listeners("auto-2", 3);
    const lists = [
      vi.spyOn(Shard.prototype, "presenceHere"),
      vi.spyOn(Shard.prototype, "presenceUpTo"),
      vi.spyOn(Channel.prototype, "presence"),
      vi.spyOn(Channel.prototype, "presenceUpTo"),
    ];
    const stats = { num_clients: 5, num_users: 1 };
    expect((await api("presence_stats", { channel: ROOM })).result).toEqual(stats);
    expect((await ann.ask({ presence_stats: { channel: ROOM } }))["presence_stats"]).toEqual(stats);
    for (const list of lists) expect(list).not.toHaveBeenCalled();
  });
});

describe("[CT1] presence between this release and the one before", () => {
  /** The objects of the release before do not have these methods. */
  function takeAway(prototype: object, ...methods: string[]): void {
    for (const method of methods)
      vi.spyOn(prototype as Record<string, () => unknown>, method).mockImplementation(() => {
        throw new TypeError(`The RPC receiver does not implement the method "${method}".`);
      });
  }

  for (const [name, prototype] of Object.entries({ Shard: Shard.prototype, Channel: Channel.prototype }))
    test(`a ${name} of the release before is asked for its list`, async () => {
      const [ann] = (await listeners("auto-1", 2)) as [Client];
      await listeners("auto-2", 3);
      takeAway(prototype, "presenceUpTo", "presenceCount");
      const stats = { num_clients: 5, num_users: 1 };
      expect((await api("presence_stats", { channel: ROOM })).result).toEqual(stats);
      expect((await ann.ask({ presence_stats: { channel: ROOM } }))["presence_stats"]).toEqual(stats);
      expect(Object.keys((await api("presence", { channel: ROOM })).result.presence)).toHaveLength(5);
      const { presence } = (await ann.ask({ presence: { channel: ROOM } }))["presence"] as any;
      expect(Object.keys(presence)).toHaveLength(5);
    });

  test("the release before gets the whole list in its own call", async () => {
    await listeners("auto-1", 30);
    await listeners("auto-2", 20);
    expect(await channelStub(env, ROOM).presence("", CONTRACT)).toHaveLength(50);
    expect(await channelStub(env, ROOM).presence("auto/auto-1", CONTRACT)).toHaveLength(20);
  });

  test("the runtime's error for a method that an object lacks leads to the other call, and no other error does", async () => {
    const stub = channelObject(ROOM) as unknown as Record<string, () => Promise<string>>;
    expect(
      await callNew(
        async () => (await stub["noSuchMethod"]?.()) ?? "",
        async () => "before",
      ),
    ).toBe("before");
    const failing = callNew(
      () => Promise.reject(new Error("gone")),
      async () => "before",
    );
    await expect(failing).rejects.toThrow("gone");
    await runInDurableObject(channelObject(ROOM), () => undefined);
  });
});

test("[BD65] a list of channels that is cut has the first by name, each with its clients on every shard", async () => {
  const [ann] = (await keysOf("auto-1", 1)) as [string];
  const [bob] = (await keysOf("auto-2", 1)) as [string];
  const name = (n: number): string => `room-${String(n).padStart(2, "0")}`;
  const all = Array.from({ length: 40 }, (_, n) => n);
  // The two shards learn of the channels in different orders, and neither has all.
  for (const [key, numbers] of [
    [ann, all.filter((n) => n % 2 === 0 || n < 10)],
    [bob, all.filter((n) => n % 2 === 1 || n < 10).toReversed()],
  ] as const) {
    const client = await Client.connect(key);
    for (const n of numbers) await client.ask({ subscribe: { channel: name(n) } });
  }
  const { result } = await api("channels", { pattern: "room-*" });
  const expected = all.slice(0, 30).map((n) => [name(n), { num_clients: n < 10 ? 2 : 1 }]);
  expect(result).toEqual({ channels: Object.fromEntries(expected), truncated: true });
});
