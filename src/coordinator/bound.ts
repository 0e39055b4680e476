import { addressKey, shardAddress, type ShardAddress } from "../contracts/address.ts";
import type { ShardStatus } from "../contracts/shard.ts";
import type { Descriptor } from "../ring/descriptor.ts";

/**
 * The most sessions that a shard should have before it hands new connections on (SPEC EL30); null for no bound: the
 * shard takes no new connections, or is alone in its region.
 *
 * A shard's part of its region's sessions follows its weight, as its part of the ring does.
 */
export function boundOf(
  shard: ShardAddress,
  parts: {
    readonly descriptor: Descriptor;
    /** The last status of each object, by the key of its address. */
    readonly statuses: Pick<ReadonlyMap<string, Pick<ShardStatus, "sessions">>, "get">;
    readonly factor: number;
    readonly floor: number;
  },
): number | null {
  const { descriptor, statuses, factor, floor } = parts;
  const peers = descriptor.shards.filter(
    ({ region, state }) => region === shard.region && state === "active",
  );
  const self = peers.find(({ id }) => id === shard.id);
  if (self === undefined || peers.length < 2) return null;
  let sessions = 0;
  let weights = 0;
  for (const peer of peers) {
    sessions += statuses.get(addressKey(shardAddress(shard.front, peer)))?.sessions ?? 0;
    weights += peer.weight;
  }
  return Math.max(floor, Math.ceil((factor * sessions * self.weight) / weights));
}
