import { logError } from "../platform/logger.ts";
import { TokenBucket } from "../platform/token-bucket.ts";
import type { Session } from "../shard/connections/session.ts";
import type { Core } from "../shard/front.ts";
import { shardOfSocket } from "./names.ts";
import type { Target } from "./question.ts";

/** The rooms that a shard remembers: about a megabyte of names, and eight at most. */
const REMEMBERED = 16_384;
/** A longer name is not remembered: clients make names up, and nearly every such name is refused afterwards. */
const NAME_CHARS = 512;
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
    if (name.length > NAME_CHARS) return true;
    this.#known.add(name);
    const [oldest] = this.#known;
    if (this.#known.size > REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
    return true;
  }
}

export type NewRoomsParts = { readonly core: Pick<Core, "config">; readonly reached: ReachedRooms };

/** The new rooms that the handlers of one client may emit to: a burst of a minute's, and then so many a minute. */
export class NewRooms {
  readonly #session: Session;
  readonly #parts: NewRoomsParts;
  #bucket: TokenBucket | undefined;
  #isTold = false;

  constructor(session: Session, parts: NewRoomsParts) {
    this.#session = session;
    this.#parts = parts;
  }

  /** Why its handlers may not emit to a target now. The log tells it once. */
  refusalOf(target: Target): Error | undefined {
    const { core, reached } = this.#parts;
    const now = Date.now();
    const perMinute = TIMES_JOINS * core.config.cluster.limits.newChannelsPerMinute;
    this.#bucket ??= new TokenBucket({ burst: perMinute, perSecond: perMinute / 60 }, now);
    if (reached.admit(target, this.#bucket, now)) return undefined;
    const refusal = new Error("the handlers of a connection emit to new rooms too fast");
    if (!this.#isTold) logError(refusal.message, { session: this.#session.attachment.id });
    this.#isTold = true;
    return refusal;
  }
}
