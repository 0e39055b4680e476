import { addressKey, type ShardAddress } from "../contracts/address.ts";
import type { ShardStatus } from "../contracts/shard.ts";
import { movesKey } from "./store.ts";

/**
 * Whether other shards have guests of a shard (SPEC EL31); null while not all of them have said so since the last change
 * of the ring. In the first epoch a shard that has never reported has no session that an earlier ring placed.
 */
export function guestsElsewhere(
  shard: ShardAddress,
  parts: {
    readonly epoch: number;
    /** Every object that may have sessions. */
    readonly holders: readonly ShardAddress[];
    /** The last status of each object, by the key of its address. */
    readonly statuses: Pick<ReadonlyMap<string, Pick<ShardStatus, "ringEpoch" | "guests">>, "get">;
    /** The objects that have moved their sessions to the present epoch, as in the rows of moves. */
    readonly settled: () => ReadonlySet<string>;
  },
): boolean | null {
  const { epoch, statuses } = parts;
  const others = parts.holders.filter(({ front, name }) => front === shard.front && name !== shard.name);
  const statusOf = (one: ShardAddress) => statuses.get(addressKey(one));
  if (others.some((one) => (statusOf(one)?.guests?.[shard.id] ?? 0) > 0)) return true;
  const isHeard = (one: ShardAddress): boolean => {
    const status = statusOf(one);
    if (status === undefined) return epoch === 1;
    return status.guests !== undefined && (epoch === 1 || status.ringEpoch === epoch);
  };
  if (!others.every(isHeard)) return null;
  if (epoch === 1) return false;
  const settled = parts.settled();
  const keys = others.map(movesKey);
  // Where a shard that was removed has come back in another region, one report would count for both objects.
  const isClear = new Set([...keys, movesKey(shard)]).size === keys.length + 1;
  return isClear && keys.every((key) => settled.has(key)) ? false : null;
}
