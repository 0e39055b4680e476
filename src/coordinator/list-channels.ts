import type { ShardAddress } from "../contracts/address.ts";
import type { ChannelList } from "../contracts/coordinator.ts";
import type { ChannelsPage, ChannelsQuery, ShardContract } from "../contracts/shard.ts";
import { CONTRACT } from "../contracts/version.ts";
import { askAll } from "../fanout/ask-all.ts";
import { callNew, shardStub } from "../platform/calls.ts";
import { idsOf } from "./members.ts";

/** The names of one answer, and those that all shards together send at a time, have about so many bytes. */
const ANSWER_BYTES = 4_194_304;
const LEAST_PAGE_BYTES = 16_384;

/** `complete`: false where the shard has channels that no page will have. */
type Part = ChannelsPage & { readonly complete: boolean };

/**
 * The channels with listeners over all shards, the first `names` of them by name (SPEC BD65).
 *
 * Every shard sends its channels in the order of their names, a page at a time. A name counts when no shard can have
 * more to say about it, so each number is whole, also where the list is truncated.
 */
export async function listChannels(
  env: RingcastEnv,
  shards: readonly ShardAddress[],
  query: { readonly pattern: string; readonly names: number; readonly waitMs: number },
): Promise<ChannelList> {
  const { pattern, names, waitMs } = query;
  const bytes = Math.max(LEAST_PAGE_BYTES, Math.floor(ANSWER_BYTES / Math.max(1, shards.length)));
  const found = new Map<string, number>();
  let size = 0;
  let complete = true;
  for (let after = ""; ;) {
    const asked: ChannelsQuery = { pattern, after, names: names - found.size, bytes };
    const { answers, silent } = await askAll(env, shards, {
      waitMs,
      ask: (_, shard) => askOne(() => shardStub(env, shard), asked),
    });
    const pages = [...answers.values()];
    const { channels, upTo } = merge(pages);
    complete &&= pages.every((page) => page.complete);
    let taken = 0;
    for (const [name, listeners] of channels) {
      if (found.size === names || size >= ANSWER_BYTES) break;
      found.set(name, listeners);
      size += name.length;
      taken += 1;
    }
    const isFull = found.size === names || size >= ANSWER_BYTES;
    if (upTo === undefined || isFull || silent.length > 0)
      return {
        channels: Object.fromEntries(found),
        truncated: !complete || taken < channels.length || upTo !== undefined,
        unreachable: idsOf(silent),
      };
    after = upTo;
  }
}

/** Release 0.2.0 sends up to so many channels at once, in no order. */
const askOne = (stub: () => ShardContract, query: ChannelsQuery): Promise<Part> =>
  callNew<Part>(
    async () => ({ ...(await stub().channelsPage(query, CONTRACT)), complete: true }),
    async () => {
      const limit = query.names;
      const entries = Object.entries(await stub().channelsHere(query.pattern, limit, CONTRACT));
      const channels = new Map(entries.filter(([name]) => name > query.after));
      return { channels, more: false, complete: entries.length < limit };
    },
  );

/** Adds up the pages as far as all of them go. `upTo`: the last name there, or undefined where no shard has more. */
function merge(pages: readonly ChannelsPage[]): {
  readonly channels: readonly [string, number][];
  readonly upTo: string | undefined;
} {
  let upTo: string | undefined;
  for (const { channels, more } of pages) {
    const last = [...channels.keys()].at(-1);
    if (more && last !== undefined && (upTo === undefined || last < upTo)) upTo = last;
  }
  const sums = new Map<string, number>();
  for (const [name, listeners] of pages.flatMap(({ channels }) => [...channels])) {
    if (upTo !== undefined && name > upTo) continue;
    sums.set(name, (sums.get(name) ?? 0) + listeners);
  }
  return { channels: [...sums].toSorted(([one], [other]) => (one < other ? -1 : 1)), upTo };
}
