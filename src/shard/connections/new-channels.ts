import type { ClusterConfig } from "../../config/cluster.ts";
import { TokenBucket } from "../../platform/token-bucket.ts";

type Limits = Pick<ClusterConfig["limits"], "channelsPerClient" | "newChannelsPerMinute">;

/** What a session has reached lately: nothing, one channel, or more. */
export type Reached = string | NewChannels | undefined;

/**
 * Whether a session may reach a channel that it is not subscribed to; a channel that is new to it costs of a budget
 * (SPEC BD27).
 */
export function mayReach(session: { reached: Reached }, channel: string, limits: Limits): boolean {
  const { reached } = session;
  if (reached === channel) return true;
  if (reached === undefined) {
    session.reached = channel;
    return true;
  }
  const now = Date.now();
  const channels = typeof reached === "string" ? new NewChannels(reached, { limits, now }) : reached;
  session.reached = channels;
  return channels.admit(channel, now);
}

/**
 * The channels that one session has reached lately, and its budget of others (SPEC BD27). Most sessions reach one, and
 * have none of these.
 *
 * A name that was never used costs an object, and a client can make names without end.
 */
class NewChannels {
  readonly #most: number;
  readonly #bucket: TokenBucket;
  /** The newest last. A list, as a set of the usual one to twenty names has several times its memory. */
  #known: readonly string[];

  /** `first`: the channel that the session has reached before. */
  constructor(first: string, { limits, now }: { readonly limits: Limits; readonly now: number }) {
    this.#most = Math.max(limits.channelsPerClient, limits.newChannelsPerMinute);
    this.#bucket = new TokenBucket({ burst: this.#most, perSecond: limits.newChannelsPerMinute / 60 }, now);
    this.#bucket.take(now);
    this.#known = [first];
  }

  /** Whether the session may reach a channel: one that it has reached lately is free. */
  admit(channel: string, now: number): boolean {
    if (this.#known.at(-1) === channel) return true;
    if (!this.#known.includes(channel) && !this.#bucket.take(now)) return false;
    // A new list, as one that grows in place has room for sixteen more.
    this.#known = [...this.#known.filter((known) => known !== channel), channel].slice(-this.#most);
    return true;
  }
}
