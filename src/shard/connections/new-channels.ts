import type { ClusterConfig } from "../../config/cluster.ts";
import { TokenBucket } from "../../platform/token-bucket.ts";

type Limits = Pick<ClusterConfig["limits"], "channelsPerClient" | "newChannelsPerMinute">;

/**
 * Whether a session may reach a channel that it is not subscribed to; a channel that is new to it costs of a budget
 * (SPEC BD27).
 */
export function mayReach(
  session: { newChannels: NewChannels | undefined },
  channel: string,
  limits: Limits,
): boolean {
  const now = Date.now();
  session.newChannels ??= new NewChannels(limits, now);
  return session.newChannels.admit(channel, now);
}

/**
 * The channels that one session has reached lately, and its budget of others (SPEC BD27).
 *
 * A name that was never used costs an object, and a client can make names without end.
 */
export class NewChannels {
  readonly #bucket: TokenBucket;
  readonly #most: number;
  /** The newest last. */
  readonly #known = new Set<string>();

  constructor(limits: Limits, now: number) {
    const { channelsPerClient, newChannelsPerMinute } = limits;
    this.#most = Math.max(channelsPerClient, newChannelsPerMinute);
    this.#bucket = new TokenBucket({ burst: this.#most, perSecond: newChannelsPerMinute / 60 }, now);
  }

  /** Whether the session may reach a channel: one that it has reached lately is free. */
  admit(channel: string, now: number): boolean {
    const known = this.#known;
    if (!known.delete(channel) && !this.#bucket.take(now)) return false;
    known.add(channel);
    const [oldest] = known;
    if (known.size > this.#most && oldest !== undefined) known.delete(oldest);
    return true;
  }
}
