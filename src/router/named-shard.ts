import { shardAddress, type ShardAddress } from "../contracts/address.ts";
import { FRONT, shardOfSocket } from "../socketio/names.ts";
import { askCoordinator, COORDINATOR_WAIT_MS } from "./forward.ts";
import type { RingCache } from "./ring-cache.ts";

/** An isolate asks the coordinator so often at most for shards that it does not know. */
const LOOK_MS = 1_000;
const POLL_MS = 20;

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
  await look(env, cache);
  return cache.knows(address) ? address : undefined;
}

/**
 * Asks the coordinator for the ring, or waits for the answer to another request. A request of a Worker MUST NOT await a
 * promise of another one (docs/platform.md P27), which may be cut off and then never says that its look has ended.
 */
async function look(env: RingcastEnv, cache: RingCache): Promise<void> {
  const isLooking = (): boolean =>
    !cache.looked.isOver && Date.now() - cache.looked.at <= COORDINATOR_WAIT_MS;
  while (isLooking()) await scheduler.wait(POLL_MS);
  if (Date.now() - cache.looked.at < LOOK_MS) return;
  const own = { at: Date.now(), isOver: false };
  cache.looked = own;
  await askCoordinator(env, cache);
  own.isOver = true;
}
