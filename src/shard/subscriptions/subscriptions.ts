import type { Config } from "../../config/config.ts";
import { isBroadcast } from "../../policy/channels.ts";
import type { Connections } from "../connections/connections.ts";
import { subscriptionsOf, type Open, type Session, type Subscription } from "../connections/session.ts";
import type { Wire } from "../wire.ts";
import type { Counters } from "../records/counters.ts";
import type { EmptyChannels } from "../records/empty-channels.ts";
import type { Channels } from "./channels.ts";
import type { KeptPosition } from "./heard.ts";
import { join, type Joined, type JoinRequest } from "./join.ts";
import type { Start } from "./start.ts";
import type { Presence } from "./presence.ts";

const GIVE_UPS_PER_SECOND = 100;

export type SubscriptionsParts = {
  readonly config: Config;
  readonly connections: Connections;
  readonly channels: Channels<Session>;
  readonly presence: Presence;
  readonly emptyChannels: EmptyChannels;
  readonly counters: Counters;
  readonly wire: Wire;
};

type Untold = { readonly timer: ReturnType<typeof setTimeout>; readonly byServer: boolean };

/** Most subscriptions have nothing else to remember, and share these. */
const PLAIN: Subscription = Object.freeze({});
const PLAIN_BY_SERVER: Subscription = Object.freeze({ byServer: true });

function shared(subscription: Subscription): Subscription {
  const { length } = Object.keys(subscription);
  if (length > 1) return subscription;
  if (length === 0) return PLAIN;
  return subscription.byServer === true ? PLAIN_BY_SERVER : subscription;
}

/** The subscriptions of this shard's sessions: begun, remembered through sleep, and ended. */
export class Subscriptions {
  readonly presence: Presence;
  readonly #parts: SubscriptionsParts;
  /** The subscriptions that were given up and whose clients wait for their turn to be told. */
  readonly #untold = new WeakMap<Session, Map<string, Untold>>();

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
    this.presence = parts.presence;
  }

  /** Takes back the subscriptions of a session that slept with the object. */
  wake(session: Session, positions: ReadonlyMap<string, KeptPosition>): void {
    for (const [channel, { behind, delta }] of subscriptionsOf(session)) {
      if (behind !== undefined) continue;
      const request = { listener: session, wantsPrevious: delta === true };
      this.#parts.channels.restore(channel, request, positions.get(channel));
    }
  }

  /**
   * Subscribes a session and tells its start in the turn in which it begins, so that the answer goes out before
   * anything that the channel says. The channel is told of the join in the same turn, so that no leave overtakes it
   * (SPEC BD91). Rejects if the channel cannot be reached.
   */
  async join(session: Session, request: JoinRequest, tell: (start: Start) => void): Promise<Joined> {
    const { config, channels, counters } = this.#parts;
    const channel = request.channel.name;
    const remember = (subscription: Subscription): boolean => {
      this.#cancelGiveUp(session, channel);
      return this.remember(session, channel, subscription);
    };
    const tellOrLeave = (start: Start): void => {
      try {
        tell(start);
      } catch (error) {
        // A session that remembers a channel is not made to listen to it again (SPEC SO67).
        this.leave(session, channel);
        throw error;
      }
    };
    const onJoined = (): void => this.presence.announce({ kind: "join", session, channel });
    try {
      const effects = { config, channels, counters, remember, tell: tellOrLeave, onJoined };
      return await join(session, request, effects);
    } finally {
      // Registered, perhaps, for no listener.
      this.#lookAt(channel);
    }
  }

  /** Ends one subscription; answers whether there was one, as far as the client knows. */
  leave(session: Session, channel: string): boolean {
    const wasGivenUp = this.#cancelGiveUp(session, channel);
    const { attachment } = session;
    if (attachment.state !== "open" || !attachment.subscriptions.has(channel)) return wasGivenUp;
    this.#stopListening(session, channel, { moving: false });
    this.#forget(session, attachment, channel);
    return true;
  }

  /** Ends the subscriptions of a session that ends. `moving`: its user is about to return. */
  leaveAll(session: Session, { moving }: { readonly moving: boolean }): void {
    for (const channel of subscriptionsOf(session).keys()) this.#stopListening(session, channel, { moving });
  }

  /** Adds a subscription to what the socket remembers; false where it has no room left. */
  remember(session: Session, channel: string, subscription: Subscription): boolean {
    const { attachment } = session;
    if (attachment.state !== "open") return false;
    const subscriptions = new Map(attachment.subscriptions).set(channel, shared(subscription));
    return this.#parts.connections.sessions.remember(session, { ...attachment, subscriptions });
  }

  /** Whether a client subscribes again as soon as it is told that what it has missed is not known. */
  beginsAnew(session: Session, channel: string): boolean {
    return this.#untold.get(session)?.get(channel)?.byServer === false;
  }

  /** The channels of a session, without the one that every session hears. */
  count({ subscriptions }: Open): number {
    const { broadcast } = this.#parts.config.cluster;
    return subscriptions.size - (subscriptions.has(broadcast.channel) ? 1 : 0);
  }

  /** The sessions here that listen to a channel. */
  listenersOf(channel: string): ReadonlySet<Session> {
    return this.#parts.channels.listenersOf(channel);
  }

  /** The channels with members here, and how many each has; without the one that every session hears. */
  memberCounts(): ReadonlyMap<string, number> {
    const counts = new Map(this.#parts.channels.counts());
    for (const channel of this.ofOperators()) {
      const others = (counts.get(channel) ?? 0) - 1;
      if (others > 0) counts.set(channel, others);
      else counts.delete(channel);
    }
    return counts;
  }

  /** The channel of each subscription of an operator's session, which no number of clients has (SPEC AU8). */
  ofOperators(): string[] {
    const { channels, connections } = this.#parts;
    return [...connections.sessions.operators].flatMap((operator) =>
      [...subscriptionsOf(operator).keys()].filter((name) => channels.listenersOf(name).has(operator)),
    );
  }

  /**
   * Tells subscribers that what they have missed is not known: they begin anew, and learn then that they were not
   * recovered. Paced, as a stock client comes back at once (docs/protocol.md C23).
   */
  giveUp(channel: string, sessions: readonly Session[]): void {
    const { connections, wire } = this.#parts;
    this.#lookAt(channel);
    for (const [n, session] of sessions.entries()) {
      const { attachment } = session;
      if (attachment.state !== "open") continue;
      const byServer = attachment.subscriptions.get(channel)?.byServer === true;
      // It comes back at once, as after a move (SPEC BD92).
      this.presence.announce({ kind: "leave", session, channel, held: true });
      this.#forget(session, attachment, channel);
      const timer = setTimeout(
        () => {
          this.#cancelGiveUp(session, channel);
          if (byServer) return connections.end(session, "insufficientState");
          const notice = { kind: "unsubscribed", channel, why: "insufficientState" } as const;
          connections.send(session, wire.encodeNotice(session, notice));
        },
        (n / GIVE_UPS_PER_SECOND) * 1_000,
      );
      const untold = this.#untold.get(session) ?? new Map<string, Untold>();
      this.#untold.set(session, untold.set(channel, { timer, byServer }));
    }
  }

  /** A subscription that was given up has ended by itself, or a newer one has begun: the client is not told. */
  #cancelGiveUp(session: Session, channel: string): boolean {
    const untold = this.#untold.get(session);
    const one = untold?.get(channel);
    if (one === undefined) return false;
    clearTimeout(one.timer);
    untold?.delete(channel);
    return true;
  }

  #forget(session: Session, attachment: Open, channel: string): void {
    const subscriptions = new Map(attachment.subscriptions);
    subscriptions.delete(channel);
    this.#parts.connections.sessions.remember(session, { ...attachment, subscriptions });
  }

  #stopListening(session: Session, channel: string, { moving }: { readonly moving: boolean }): void {
    const { channels } = this.#parts;
    // A session that ends while it subscribes has a subscription, and was not told as joined.
    if (channels.listenersOf(channel).has(session))
      this.presence.announce({ kind: "leave", session, channel, held: moving });
    channels.leave(channel, session);
    this.#lookAt(channel);
  }

  /** A channel may have no listener here any more. */
  #lookAt(channel: string): void {
    if (!isBroadcast(this.#parts.config, channel)) this.#parts.emptyChannels.look(channel);
  }
}
