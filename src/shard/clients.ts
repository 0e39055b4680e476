import type { Config } from "../config.ts";
import { callAgain } from "../platform/call.ts";
import { channelStub, type ShardRef } from "../platform/stubs.ts";
import { parseChannel } from "../protocol/channel-name.ts";
import { DISCONNECTS, type DisconnectName } from "../protocol/codes.ts";
import type { Entry, Present } from "../protocol/delivery.ts";
import { namespaceOf } from "../protocol/permissions.ts";
import { encodePresenceEvent, encodePush } from "../protocol/push.ts";
import type { ClientInfo } from "../protocol/reply.ts";
import type { Verifier } from "../tokens/verifier.ts";
import { Announcer } from "./announcer.ts";
import { Hub } from "./hub.ts";
import { sendFrame } from "./outbox.ts";
import { Sessions } from "./sessions.ts";
import { subscriptionsOf, type Session, type Subscription } from "./session.ts";

/** How a session ended: a move's leaves are held back, as the user is about to return. */
export type Ending = { readonly reason?: string; readonly moving?: true };

/** The connected clients of a shard and what can be done to them, whatever the protocol. */
export class Clients {
  readonly env: Cloudflare.Env;
  readonly config: Config;
  readonly shard: ShardRef;
  readonly verifier: Verifier;
  readonly sessions = new Sessions();
  readonly hub: Hub;
  readonly #ctx: DurableObjectState;
  readonly #announcer: Announcer;

  constructor(parts: {
    ctx: DurableObjectState;
    env: Cloudflare.Env;
    config: Config;
    shard: ShardRef;
    verifier: Verifier;
  }) {
    this.env = parts.env;
    this.config = parts.config;
    this.shard = parts.shard;
    this.verifier = parts.verifier;
    this.#ctx = parts.ctx;
    this.hub = new Hub({
      register: (channel) => callAgain(() => channelStub(this.env, channel).register(this.shard)),
      emit: (channel, entries, sessions) => this.#emit(channel, entries, sessions),
    });
    this.#announcer = new Announcer(this.config.cluster.times.joinLeaveBatchMs, (channel, events) =>
      callAgain(() => channelStub(this.env, channel).announce([...events])),
    );
  }

  /** Takes in whoever slept with the object. */
  wake(): void {
    this.sessions.wake(this.#ctx.getWebSockets(), this.config.cluster.limits);
    for (const session of this.sessions) {
      for (const channel of subscriptionsOf(session).keys()) this.hub.restore(channel, session);
    }
  }

  /** When the peer last gave a sign of life, in ms since 1970. */
  seenAt(session: Session): number {
    return Math.max(session.attachment.openedAt, session.lastFrameAt, this.#pongAt(session.socket));
  }

  send(session: Session, frame: string): void {
    if (!this.sessions.has(session)) return;
    const result = sendFrame(session, frame, {
      now: Date.now(),
      limits: this.config.cluster.limits,
      answeredAt: (socket) => this.#pongAt(socket),
    });
    if (result === "slow") this.disconnect(session, "slow");
  }

  /** Ends a session by our own wish. The attachment says so first: the socket may come back (see session.ts). */
  disconnect(session: Session, why: DisconnectName, ending: Ending = {}): void {
    if (!this.sessions.has(session)) return;
    this.#remove(session, ending.moving === true);
    session.socket.serializeAttachment({ state: "closing", id: session.attachment.id });
    const { code, reason } = DISCONNECTS[why];
    session.socket.close(code, ending.reason ?? reason);
  }

  /** The peer is gone. A session that we closed ourselves is no longer known, and nothing happens. */
  lost(socket: WebSocket): void {
    const session = this.sessions.get(socket);
    if (session !== undefined) this.#remove(session, false);
  }

  infoOf(session: Session, channel: string): ClientInfo {
    const { attachment } = session;
    const user = attachment.state === "open" ? attachment.user : "";
    const connInfo = attachment.state === "open" ? attachment.connInfo : undefined;
    const chanInfo = subscriptionsOf(session).get(channel)?.chanInfo;
    return {
      user,
      client: attachment.id,
      ...(connInfo === undefined ? {} : { conn_info: connInfo }),
      ...(chanInfo === undefined ? {} : { chan_info: chanInfo }),
    };
  }

  presenceHere(channel: string): Present[] {
    return [...this.hub.sessionsOf(channel)].map((session) => {
      const info = this.infoOf(session, channel);
      return { client: info.client, user: info.user, info: JSON.stringify(info) };
    });
  }

  /** Tells a channel that a session has joined or left, where its namespace wants that. */
  announce(kind: "join" | "leave", session: Session, channel: string, held = false): void {
    const parsed = parseChannel(channel, this.config.cluster.limits.channelBytes);
    if (!parsed.ok || namespaceOf(this.config, parsed.channel)?.join_leave !== true) return;
    const info = this.infoOf(session, channel);
    this.#announcer.announce(channel, { kind, user: info.user, body: encodePresenceEvent(info), held });
  }

  /** Forgets one subscription; answers whether there was one. */
  unsubscribe(session: Session, channel: string): boolean {
    const { attachment } = session;
    if (attachment.state !== "open" || !attachment.subscriptions.has(channel)) return false;
    this.announce("leave", session, channel);
    this.hub.leave(channel, session);
    const subscriptions = new Map(attachment.subscriptions);
    subscriptions.delete(channel);
    this.sessions.remember(session, { ...attachment, subscriptions });
    return true;
  }

  /** Adds a subscription to what the socket remembers; false where it has no room left. */
  rememberSubscription(session: Session, channel: string, subscription: Subscription): boolean {
    const { attachment } = session;
    if (attachment.state !== "open") return false;
    const subscriptions = new Map(attachment.subscriptions).set(channel, subscription);
    return this.sessions.remember(session, { ...attachment, subscriptions });
  }

  #remove(session: Session, moving: boolean): void {
    for (const channel of subscriptionsOf(session).keys()) {
      this.announce("leave", session, channel, moving);
      this.hub.leave(channel, session);
    }
    this.sessions.delete(session);
  }

  #emit(channel: string, entries: readonly Entry[], sessions: Iterable<Session>): void {
    const name = JSON.stringify(channel);
    const everything = entries.map((entry) => encodePush(name, entry)).join("\n");
    const publications = entries
      .filter((entry) => entry.kind === "pub")
      .map((entry) => encodePush(name, entry))
      .join("\n");
    for (const session of sessions) {
      const frame = subscriptionsOf(session).get(channel)?.joinLeave === true ? everything : publications;
      if (frame !== "") this.send(session, frame);
    }
  }

  #pongAt(socket: WebSocket): number {
    return this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
  }
}
