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
  session.newChannels ??= new NewChannels(limits);
  return session.newChannels.admit(channel, now);
}

/**
 * The channels that one session has reached lately, and its budget of others (SPEC BD27).
 *
 * A name that was never used costs an object, and a client can make names without end.
 */
export class NewChannels {
  readonly #limits: Limits;
  /** Made at the second name: most sessions have one. */
  #bucket: TokenBucket | undefined;
  /** The newest last. A list, as a set of the usual one to twenty names has several times its memory. */
  #known: readonly string[] = [];

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Whether the session may reach a channel: one that it has reached lately is free. */
  admit(channel: string, now: number): boolean {
    if (this.#known.at(-1) === channel) return true;
    if (!this.#known.includes(channel) && !this.#spend(now)) return false;
    // A new list, as one that grows in place has room for sixteen more.
    this.#known = [...this.#known.filter((known) => known !== channel), channel].slice(-mostOf(this.#limits));
    return true;
  }

  #spend(now: number): boolean {
    if (this.#known.length === 0) return true;
    if (this.#bucket === undefined) {
      const perSecond = this.#limits.newChannelsPerMinute / 60;
      this.#bucket = new TokenBucket({ burst: mostOf(this.#limits), perSecond }, now);
      // The first name has cost nothing yet.
      this.#bucket.take(now);
    }
    return this.#bucket.take(now);
  }
}

const mostOf = ({ channelsPerClient, newChannelsPerMinute }: Limits): number =>
  Math.max(channelsPerClient, newChannelsPerMinute);
