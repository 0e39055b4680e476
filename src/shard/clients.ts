import type { Config } from "../config.ts";
import { Asker } from "../hooks/asker.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { callAgain, within } from "../platform/call.ts";
import { channelStub, coordinatorStub, type ShardRef } from "../platform/stubs.ts";
import type { Timetable } from "../platform/timetable.ts";
import { parseChannel } from "../policy/channel-name.ts";
import { DISCONNECTS, type Close, type DisconnectName } from "../centrifuge/codes.ts";
import type { Said, Present } from "../contracts/delivery.ts";
import { isBroadcast, namespaceOf } from "../policy/permissions.ts";
import { encodePresenceEvent, encodeUnsubscribe } from "../centrifuge/push.ts";
import type { ClientInfo } from "../centrifuge/reply.ts";
import type { Verifier } from "../tokens/verifier.ts";
import { Broadcast } from "./subscriptions/broadcast.ts";
import { Announcer } from "./subscriptions/announcer.ts";
import { Chronicle, type ChronicleDuty } from "./records/records.ts";
import { Counters } from "./records/counters.ts";
import { Emission } from "../centrifuge/frames.ts";
import { Hub, type KeptPosition } from "./subscriptions/channels.ts";
import { Positions } from "./subscriptions/positions.ts";
import { sendFrame, type SendContext } from "./connections/outbox.ts";
import { Sessions } from "./connections/sessions.ts";
import { subscriptionsOf, type Open, type Session, type Subscription } from "./connections/session.ts";

const GIVE_UPS_PER_SECOND = 100;
const COORDINATOR_WAIT_MS = 1_500;
/** After a failure nobody waits for it again for so long. */
const COORDINATOR_REST_MS = 900;

/** How a session ended: a move's leaves are held back, as the user is about to return. */
export type Ending = { readonly reason?: string; readonly moving?: true };

/** The connected clients of a shard and what can be done to them, whatever the protocol. */
export class Clients {
  readonly env: Cloudflare.Env;
  readonly config: Config;
  readonly shard: ShardRef;
  readonly verifier: Verifier;
  readonly ask: Asker;
  readonly chronicle: Chronicle;
  readonly sessions = new Sessions();
  readonly hub: Hub;
  readonly counters = new Counters();
  readonly broadcast: Broadcast;
  readonly #ctx: DurableObjectState;
  readonly #announcer: Announcer;
  readonly #positions: Positions;
  #coordinatorRestsUntil = 0;

  constructor(parts: {
    ctx: DurableObjectState;
    env: Cloudflare.Env;
    config: Config;
    shard: ShardRef;
    verifier: Verifier;
    hooks: Hooks;
    timetable: Pick<Timetable<ChronicleDuty>, "arm">;
  }) {
    this.env = parts.env;
    this.config = parts.config;
    this.shard = parts.shard;
    this.verifier = parts.verifier;
    this.#ctx = parts.ctx;
    const { broadcast, limits, times } = this.config.cluster;
    this.ask = new Asker(parts.hooks, { env: this.env, shard: this.shard, timeoutMs: times.hookTimeoutMs });
    this.hub = new Hub(
      limits,
      {
        register: (channel, listening) => {
          if (isBroadcast(this.config, channel))
            return this.#askCoordinator((stub) => stub.register(this.shard, listening));
          this.chronicle.vacancies.registers(channel);
          return callAgain(() => channelStub(this.env, channel).register(this.shard, listening));
        },
        view: (channel, after) =>
          isBroadcast(this.config, channel)
            ? this.#askCoordinator((stub) => stub.view(after))
            : callAgain(() => channelStub(this.env, channel).view(after)),
        emit: (channel, entries, sessions, durable) => {
          this.counters.emitted(channel, entries, { sessions: sessions.size, now: Date.now() });
          this.#emit(channel, entries, { sessions, durable });
        },
        giveUp: (channel, sessions) => this.#giveUp(channel, sessions),
        onMoved: () => this.#positions.touch(),
      },
      broadcast.enabled ? broadcast.channel : undefined,
    );
    this.broadcast = new Broadcast(this);
    this.chronicle = new Chronicle(this, parts);
    this.#positions = new Positions(this.#ctx, () => this.hub.positions());
    this.#announcer = new Announcer(times.joinLeaveBatchMs, (channel, events) =>
      callAgain(() => channelStub(this.env, channel).announce([...events])),
    );
  }

  /**
   * Takes in whoever slept with the object. `closing`: it is woken by the end of this socket, which is listed no more.
   *
   * Where there is no socket at all it may have crashed, and its last positions may never have been written.
   */
  wake(closing: readonly WebSocket[]): void {
    const sockets = new Set([...this.#ctx.getWebSockets(), ...closing]);
    this.sessions.wake(sockets, this.config.cluster.limits);
    const positions = sockets.size > 0 ? this.#positions.read() : new Map<string, KeptPosition>();
    const { broadcast } = this.config.cluster;
    const heard = positions.get(broadcast.channel);
    if (broadcast.enabled && heard !== undefined) this.hub.seed(broadcast.channel, heard);
    for (const session of this.sessions) {
      for (const [channel, { behind }] of subscriptionsOf(session)) {
        if (behind === undefined) this.hub.restore(channel, session, positions.get(channel));
      }
      this.broadcast.wake(session);
    }
    this.chronicle.wake();
  }

  /** From now on a session is somebody's; false where its socket cannot remember as much. */
  letIn(session: Session, open: Open): boolean {
    if (!this.sessions.remember(session, open)) return false;
    this.chronicle.roll.enter(open);
    return true;
  }

  /** When the peer last gave a sign of life, in ms since 1970. */
  seenAt(session: Session): number {
    return Math.max(session.attachment.openedAt, session.lastFrameAt, this.#pongAt(session.socket));
  }

  /** Until `release`, what is sent to the session waits. */
  hold(session: Session): void {
    session.held ??= [];
  }

  /** Sends a frame, then what has waited. */
  release(session: Session, first: string): void {
    const held = session.held ?? [];
    session.held = undefined;
    for (const frame of [first, ...held]) this.send(session, frame);
  }

  send(session: Session, frame: string, context = this.#sendContext()): void {
    if (frame === "" || !this.sessions.has(session)) return;
    if (session.held !== undefined) {
      session.held.push(frame);
      return;
    }
    const result = sendFrame(session, frame, context);
    if (result === "slow") this.disconnect(session, "slow");
  }

  /** Ends a session by our own wish, with a code of ours. */
  disconnect(session: Session, why: DisconnectName, ending: Ending = {}): void {
    const { code, reason } = DISCONNECTS[why];
    this.end(session, { code, reason: ending.reason ?? reason }, ending.moving === true);
  }

  /** Ends a session with any code. The attachment says so first: the socket may come back (see session.ts). */
  end(session: Session, close: Close, moving = false): void {
    if (!this.sessions.has(session)) return;
    this.#remove(session, close, moving);
    session.socket.serializeAttachment({ state: "closing", id: session.attachment.id });
    session.socket.close(close.code, close.reason);
  }

  /** Handlers of one socket interleave at every await in this runtime, so a session has a queue. */
  inOrder(session: Session, work: () => Promise<void>): Promise<void> {
    session.busy += 1;
    session.queue = session.queue.then(work).catch((error: unknown) => {
      console.error("a frame failed", error);
      this.disconnect(session, "serverError");
    });
    return session.queue.finally(() => (session.busy -= 1));
  }

  /** The peer is gone. A session that we closed ourselves is no longer known, and nothing happens. */
  lost(socket: WebSocket, close: Close): void {
    const session = this.sessions.get(socket);
    if (session !== undefined) this.#remove(session, close, false);
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
    this.#leave(channel, session);
    const subscriptions = new Map(attachment.subscriptions);
    subscriptions.delete(channel);
    this.sessions.remember(session, { ...attachment, subscriptions });
    return true;
  }

  /** The channels of a session, but for the one that everybody has. */
  countChannels({ subscriptions }: Open): number {
    return subscriptions.size - (subscriptions.has(this.config.cluster.broadcast.channel) ? 1 : 0);
  }

  /** Adds a subscription to what the socket remembers; false where it has no room left. */
  rememberSubscription(session: Session, channel: string, subscription: Subscription): boolean {
    const { attachment } = session;
    if (attachment.state !== "open") return false;
    const subscriptions = new Map(attachment.subscriptions).set(channel, subscription);
    return this.sessions.remember(session, { ...attachment, subscriptions });
  }

  /** A channel may have no listener here any more. */
  lookAt(channel: string): void {
    if (!isBroadcast(this.config, channel)) this.chronicle.vacancies.look(channel);
  }

  #leave(channel: string, session: Session): void {
    this.hub.leave(channel, session);
    this.lookAt(channel);
  }

  #remove(session: Session, close: Close, moving: boolean): void {
    for (const channel of subscriptionsOf(session).keys()) {
      this.announce("leave", session, channel, moving);
      this.#leave(channel, session);
    }
    this.sessions.delete(session);
    this.counters.add(moving ? "moved" : "disconnects");
    if (session.attachment.state === "open") this.chronicle.roll.leave(session.attachment, close);
  }

  #emit(
    channel: string,
    entries: readonly Said[],
    to: { readonly sessions: Iterable<Session>; readonly durable: boolean },
  ): void {
    const first = entries.find((entry) => entry.kind === "pub");
    const before = this.hub.before(channel, first?.offset);
    const emission = new Emission(channel, { entries, durable: to.durable, before });
    const context = this.#sendContext();
    for (const session of to.sessions) {
      const subscription = subscriptionsOf(session).get(channel);
      if (subscription !== undefined) {
        this.send(session, emission.frameFor(subscription, session.deltaBases), context);
      }
    }
  }

  /**
   * Tells subscribers that what they have missed is not known: they begin anew, and learn then that they were not
   * recovered. Paced, as a stock client comes back at once.
   */
  #giveUp(channel: string, sessions: readonly Session[]): void {
    this.lookAt(channel);
    for (const [n, session] of sessions.entries()) {
      const { attachment } = session;
      if (attachment.state !== "open") continue;
      const byServer = attachment.subscriptions.get(channel)?.byServer === true;
      const subscriptions = new Map(attachment.subscriptions);
      subscriptions.delete(channel);
      this.sessions.remember(session, { ...attachment, subscriptions });
      setTimeout(
        () => {
          if (byServer) this.disconnect(session, "insufficientState");
          else this.send(session, encodeUnsubscribe(channel, "insufficientState"));
        },
        (n / GIVE_UPS_PER_SECOND) * 1_000,
      );
    }
  }

  /** Nothing waits long for the coordinator: what it has to say can be told later. */
  async #askCoordinator<T>(ask: (stub: ReturnType<typeof coordinatorStub>) => Promise<T>): Promise<T> {
    if (Date.now() < this.#coordinatorRestsUntil) throw new Error("the coordinator did not answer just now");
    try {
      return await within(COORDINATOR_WAIT_MS, ask(coordinatorStub(this.env)));
    } catch (error) {
      this.#coordinatorRestsUntil = Date.now() + COORDINATOR_REST_MS;
      throw error;
    }
  }

  #sendContext(): SendContext {
    const { limits } = this.config.cluster;
    return { now: Date.now(), limits, answeredAt: (socket) => this.#pongAt(socket) };
  }

  #pongAt(socket: WebSocket): number {
    return this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
  }
}
