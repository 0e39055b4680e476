import type { ClusterConfig } from "../config/cluster.ts";
import { TokenBucket } from "../platform/token-bucket.ts";
import { shardOfSocket } from "./names.ts";
import type { Target } from "./question.ts";

/** The rooms that a shard remembers: about a megabyte of names. */
const REMEMBERED = 16_384;
/** An application may tell many rooms of one client, so it has more of them than the client may join. */
const TIMES_JOINS = 4;

/**
 * The rooms that the handlers of a shard have lately emitted to (SPEC SO39).
 *
 * Each new name may be a new object, and a handler may take names from clients: such a name costs a token of the
 * client's. A room that anybody here has reached lately costs none.
 */
export class ReachedRooms {
  /** The newest last. */
  readonly #known = new Set<string>();

  /** Whether the handlers of a client may emit to a target. */
  admit({ nsp, rooms }: Target, bucket: TokenBucket, now: number): boolean {
    const names = rooms.length === 0 ? [nsp] : rooms.filter((room) => shardOfSocket(room) === undefined);
    return names.every((name) => this.#admitOne(rooms.length === 0 ? name : `${nsp},${name}`, bucket, now));
  }

  #admitOne(name: string, bucket: TokenBucket, now: number): boolean {
    if (!this.#known.delete(name) && !bucket.take(now)) return false;
    this.#known.add(name);
    const [oldest] = this.#known;
    if (this.#known.size > REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
    return true;
  }
}

/** The new rooms that the handlers of one client may emit to: a burst of a minute's, and then so many a minute. */
export function newRoomsOf({ newChannelsPerMinute }: ClusterConfig["limits"], now: number): TokenBucket {
  const perMinute = TIMES_JOINS * newChannelsPerMinute;
  return new TokenBucket({ burst: perMinute, perSecond: perMinute / 60 }, now);
}
