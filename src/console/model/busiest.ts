import type { ChannelCount } from "../../contracts/live.ts";

/** The busy channels of one pulse of one front of one shard. `at`: when the page has received it, ms. */
export type BusyPulse = {
  readonly at: number;
  readonly shard: string;
  readonly busiest: readonly ChannelCount[];
};

export type BusyChannel = {
  readonly channel: string;
  /** A second. Each shard with listeners hears each publication once, so the shard that heard most has heard all. */
  readonly publications: number;
  readonly deliveries: number;
  /** Shards that have named the channel among their busiest. */
  readonly shards: number;
};

/** Rates are over so many seconds: a channel with a publication every other second does not come and go. */
export const BUSY_WINDOW_MS = 10_000;
const SHOWN = 20;

/** Adds a pulse, and drops those that are too old. A pulse without a busy channel says nothing. */
export const addBusyPulse = (pulses: readonly BusyPulse[], added: BusyPulse): readonly BusyPulse[] => [
  ...pulses.filter(({ at }) => at > added.at - BUSY_WINDOW_MS),
  ...(added.busiest.length === 0 ? [] : [added]),
];

/**
 * The busiest channels of the cluster, by deliveries (SPEC OP21). Each shard names only its own busiest, so a rate is a
 * lower bound. `since`: when the page began to listen, ms.
 */
export function busiestOf(
  pulses: readonly BusyPulse[],
  { now, since }: { readonly now: number; readonly since: number },
): BusyChannel[] {
  const seconds = Math.max(1_000, Math.min(BUSY_WINDOW_MS, now - since)) / 1_000;
  const channels = new Map<string, { deliveries: number; byShard: Map<string, number> }>();
  for (const { at, shard, busiest } of pulses) {
    if (at <= now - BUSY_WINDOW_MS) continue;
    for (const { channel, publications, deliveries } of busiest) {
      const known = channels.get(channel) ?? { deliveries: 0, byShard: new Map<string, number>() };
      known.deliveries += deliveries;
      known.byShard.set(shard, (known.byShard.get(shard) ?? 0) + publications);
      channels.set(channel, known);
    }
  }
  return [...channels]
    .map(([channel, { deliveries, byShard }]) => ({
      channel,
      publications: Math.max(...byShard.values()) / seconds,
      deliveries: deliveries / seconds,
      shards: byShard.size,
    }))
    .toSorted((a, b) => b.deliveries - a.deliveries || (a.channel < b.channel ? -1 : 1))
    .slice(0, SHOWN);
}
