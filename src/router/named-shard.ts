import { shardAddress, type ShardAddress } from "../contracts/address.ts";
import { FRONT, shardOfSocket } from "../socketio/names.ts";
import { askCoordinator } from "./forward.ts";
import type { RingCache } from "./ring-cache.ts";

/** An isolate asks the coordinator so often at most for shards that it does not know. */
const LOOK_MS = 1_000;

/**
 * The shard that a client's id names, where it is in the ring or lately was (SPEC SO21). Anybody can make an id up, so
 * no other object is called; the ring may have grown meanwhile, which the coordinator is asked about once a second.
 */
export async function namedShard(
  id: string,
  { env, cache }: { readonly env: RingcastEnv; readonly cache: RingCache },
): Promise<ShardAddress | undefined> {
  const named = shardOfSocket(id);
  if (named === undefined) return undefined;
  const address = shardAddress(FRONT, named);
  if (cache.knows(address)) return address;
  if (Date.now() - cache.looked.at >= LOOK_MS)
    cache.looked = { at: Date.now(), answer: askCoordinator(env, cache) };
  await cache.looked.answer;
  return cache.knows(address) ? address : undefined;
}
