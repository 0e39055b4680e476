import type { Delivered, Delivery } from "../../contracts/orders.ts";
import type { ResumeLimit } from "../../log/recovery.ts";
import type { ChannelEffects, ListenRequest } from "./channel-effects.ts";
import { FollowedChannel } from "./followed-channel.ts";
import type { KeptPosition } from "./heard.ts";
import type { Beginning } from "./resume.ts";
import { Tail } from "./tail.ts";

export type ChannelsLimits = {
  readonly recoveryMaxPublications: number;
  readonly resumeBytes: number;
  readonly tailBytes: number;
};

/** The channels that this shard follows. A channel knows a shard, not its clients. */
export class Channels<Listener> {
  readonly #effects: ChannelEffects<Listener>;
  readonly #resumeLimit: ResumeLimit;
  readonly #tail: Tail;
  readonly #followed = new Map<string, FollowedChannel<Listener>>();
  /** The channel that this shard follows whether it has a listener or not. */
  readonly #pinned: string | undefined;

  constructor(limits: ChannelsLimits, effects: ChannelEffects<Listener>, pinned?: string) {
    this.#pinned = pinned;
    this.#resumeLimit = { count: limits.recoveryMaxPublications, bytes: limits.resumeBytes };
    this.#tail = new Tail(limits);
    this.#effects = effects;
  }

  /** How many channels this shard follows, without the pinned one. */
  get size(): number {
    return this.#followed.size - (this.#followed.has(this.#pinned ?? "") ? 1 : 0);
  }

  /** How many subscriptions the listeners of this shard have, over all channels. */
  get subscriptions(): number {
    let sum = 0;
    for (const { listeners } of this.#followed.values()) sum += listeners.size;
    return sum;
  }

  /** See `FollowedChannel.seed`. */
  seed(channel: string, at: KeptPosition): void {
    this.#follow(channel).seed(at);
  }

  /** See `FollowedChannel.listen`. */
  async listen(
    channel: string,
    request: ListenRequest<Listener>,
    begin: (beginning: Beginning) => boolean,
  ): Promise<void> {
    const followed = this.#follow(channel);
    try {
      await followed.listen(request, begin);
    } finally {
      const unused = !followed.isWanted && !followed.isRegistered;
      if (unused && this.#followed.get(channel) === followed) this.#followed.delete(channel);
    }
  }

  /** Takes back a listener that slept: its shard's registration is in the channel's storage. */
  restore(
    channel: string,
    request: Omit<ListenRequest<Listener>, "resume">,
    kept: KeptPosition | undefined,
  ): void {
    const followed = this.#follow(channel);
    if (kept !== undefined) followed.seed(kept);
    followed.add(request);
  }

  leave(channel: string, listener: Listener): void {
    this.#followed.get(channel)?.leave(listener);
  }

  /** The channels with listeners, and how many each has; without the pinned one. */
  counts(): [string, number][] {
    return [...this.#followed].flatMap(([name, { listeners }]) =>
      listeners.size > 0 && name !== this.#pinned ? [[name, listeners.size]] : [],
    );
  }

  listenersOf(channel: string): ReadonlySet<Listener> {
    return this.#followed.get(channel)?.listeners ?? new Set();
  }

  /** The positions that are kept through a sleep. */
  positions(): Map<string, KeptPosition> {
    const kept = new Map<string, KeptPosition>();
    for (const [channel, { position }] of this.#followed)
      if (position !== undefined) kept.set(channel, position);
    return kept;
  }

  /** Whether a listener is here, or is about to be. False ends the registration: the next listener makes a new one. */
  hasListeners(channel: string): boolean {
    if (channel === this.#pinned || this.#followed.get(channel)?.isWanted === true) return true;
    this.#followed.delete(channel);
    this.#tail.drop(channel);
    return false;
  }

  /** Applies what a channel sends. */
  deliver(delivery: Delivery): Delivered | Promise<Delivered> {
    const { channel } = delivery;
    if (!this.hasListeners(channel)) return { kind: "noListeners", sessions: 0 };
    return this.#follow(channel).deliver(delivery);
  }

  #follow(channel: string): FollowedChannel<Listener> {
    let followed = this.#followed.get(channel);
    if (followed === undefined) {
      const parts = { effects: this.#effects, tail: this.#tail, resumeLimit: this.#resumeLimit };
      followed = new FollowedChannel(channel, parts);
      this.#followed.set(channel, followed);
    }
    return followed;
  }
}
