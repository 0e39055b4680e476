import fc from "fast-check";
import { beforeEach, expect, test, vi } from "vitest";
import { shardAddress } from "../../../src/contracts/address.ts";
import type { ChannelsQuery } from "../../../src/contracts/shard.ts";
import { listChannels } from "../../../src/coordinator/list-channels.ts";
import { fits } from "../../../src/policy/glob.ts";
import { pageOfChannels } from "../../../src/shard/subscriptions/channels-page.ts";

type Shard = ReadonlyMap<string, number>;

beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => undefined));

/** A cluster whose shards have these channels. `before`: the shards of the release before. */
function cluster(shards: readonly Shard[], before: ReadonlySet<number> = new Set()) {
  const calls: ChannelsQuery[] = [];
  const addresses = shards.map((_, n) => shardAddress("centrifuge", { id: `s-${n}`, region: "auto" }));
  const getByName = (name: string) => {
    const n = addresses.findIndex((shard) => shard.name === name);
    const channels = shards[n] ?? new Map<string, number>();
    return {
      channelsPage: async (query: ChannelsQuery) => {
        calls.push(query);
        if (before.has(n))
          throw new TypeError('The RPC receiver does not implement the method "channelsPage".');
        return pageOfChannels(channels, query);
      },
      channelsHere: async (pattern: string, limit: number) =>
        Object.fromEntries(
          [...channels].filter(([name]) => pattern === "" || fits(pattern, name)).slice(0, limit),
        ),
    };
  };
  const env = { SHARD: { getByName } } as unknown as Cloudflare.Env;
  const list = (names: number, pattern = "") =>
    listChannels(env, addresses, { pattern, names, waitMs: 1_000 });
  return { list, calls };
}

const channels = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[a-c]{1,4}$/), fc.integer({ min: 1, max: 9 })), {
    selector: ([name]) => name,
    maxLength: 60,
  })
  .map((entries) => new Map(entries));

/** The sums over all shards, in the order of the names. */
function sumsOf(shards: readonly Shard[]): [string, number][] {
  const sums = new Map<string, number>();
  for (const [name, listeners] of shards.flatMap((shard) => [...shard]))
    sums.set(name, (sums.get(name) ?? 0) + listeners);
  return [...sums].toSorted(([one], [other]) => (one < other ? -1 : 1));
}

test("[BD65] a list has the first channels by name, each with all its listeners, and says whether there are more", async () => {
  const names = fc.integer({ min: 1, max: 80 });
  await fc.assert(
    fc.asyncProperty(fc.array(channels, { maxLength: 6 }), names, async (shards, most) => {
      const all = sumsOf(shards);
      expect(await cluster(shards).list(most)).toEqual({
        channels: Object.fromEntries(all.slice(0, most)),
        truncated: all.length > most,
        unreachable: [],
      });
    }),
  );
});

test("[BD65] long names come in several pages, and the answer ends at four megabytes", async () => {
  const long = (n: number): string => `${String(n).padStart(6, "0")}${"x".repeat(994)}`;
  const shards = [0, 1, 2, 3].map(
    (shard) => new Map(Array.from({ length: 3_000 }, (_, n) => [long(n * 4 + shard), 1] as const)),
  );
  const { list, calls } = cluster(shards);
  const { channels: listed, truncated } = await list(100_000);
  const names = Object.keys(listed);
  expect(truncated).toBe(true);
  expect(names.length).toBeGreaterThan(4_000);
  expect(names.length * 1_000).toBeLessThan(4_300_000);
  expect(names).toEqual(Array.from({ length: names.length }, (_, n) => long(n)));
  expect(Math.max(...calls.map(({ bytes }) => bytes)) * shards.length).toBeLessThanOrEqual(4_194_304);
  const few = await cluster(shards).list(100_000, "00000*");
  expect(Object.keys(few.channels)).toHaveLength(10);
  expect(few.truncated).toBe(false);
});

test("[CT1] shards of the release before are asked in their own way, and a list that they may have cut is truncated", async () => {
  const shards = [
    new Map([
      ["b", 1],
      ["a", 2],
    ]),
    new Map([
      ["b", 3],
      ["c", 4],
    ]),
  ];
  const { list } = cluster(shards, new Set([1]));
  expect(await list(3)).toEqual({ channels: { a: 2, b: 4, c: 4 }, truncated: false, unreachable: [] });
  expect((await list(2)).truncated).toBe(true);
});
