import type { ClusterConfig } from "../../config/cluster.ts";
import type { Close } from "../../contracts/refusal.ts";
import { fromRuntime, lastMoved } from "../../platform/clock.ts";
import { logError } from "../../platform/logger.ts";
import type { Frame, Frames } from "../frame.ts";
import type { Wire } from "../wire.ts";
import { admitFrame, isLongerThan } from "./budgets.ts";
import { acceptAwake, type SocketEvents } from "./awake-socket.ts";
import type { EndReason } from "./end-reasons.ts";
import { Held } from "./held.ts";
import type { MemoryPeer, Peer } from "./peer.ts";
import { sendFrame, type SendContext } from "./outbox.ts";
import { QueueBudget } from "./queue-budget.ts";
import { NOTHING_WAITS, Sessions } from "./sessions.ts";
import type { Closing, Open, Opening, Session } from "./session.ts";

type Accepted = { readonly session: Session; readonly response: Response };
type Serve = (session: Session, frame: Frame) => Promise<void>;

/** `moving`: the user is about to return, so its channels hold its leaves back. */
/** `why`: a reason of the core's, unless the peer, the front or a back end has ended the session. */
export type Ending = { readonly close: Close; readonly moving: boolean; readonly why?: EndReason };

/** The cost of a frame that waits, besides its text. */
const HELD_FRAME_UNITS = 64;
/** How often a full shard looks whether the platform still holds all of its sockets. */
const RECOUNT_MS = 1_000;

export type ConnectionsParts = {
  readonly ctx: DurableObjectState;
  readonly cluster: ClusterConfig;
  readonly wire: Wire;
  /** Where the events of sockets go that do not sleep; undefined where they sleep. */
  readonly awake: SocketEvents | undefined;
  /** A session was let in. */
  readonly onOpen: (open: Open) => void;
  /** A session has slept with the object, and its socket has closed before the object heard of either. */
  readonly onRecall: (session: Session) => void;
  /** A session is about to end; its subscriptions are still known. */
  readonly onEnd: (session: Session, ending: Ending) => void;
};

/** The life of sockets: accepted, sent to, kept in order, ended, and found again after a sleep (SPEC SE). */
export class Connections {
  readonly sessions = new Sessions();
  readonly #parts: ConnectionsParts;
  readonly #context: SendContext;
  readonly #budget: QueueBudget;
  /** Sockets that the platform holds though their sessions have ended: their peers have not answered our close. */
  #unanswered = new Set<WebSocket>();
  /** Sessions whose end is told just now: a handler that hears of it may ask for it again. */
  readonly #ending = new Set<Session>();
  #countedAt = 0;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
    const { ctx, cluster, wire } = parts;
    this.#context = {
      limits: cluster.limits,
      ping: wire.heartbeat.ping,
      answeredAt: ({ socket, answeredAt }) =>
        isSocket(socket) ? Math.max(answeredAt, answeredByRuntime(ctx, socket)) : answeredAt,
      unread: { bytes: 0 },
    };
    this.#budget = new QueueBudget(cluster.limits, this.#context);
  }

  /** Takes in the sessions that slept with the object; answers how many sockets there are. */
  wake(): { readonly sockets: number } {
    const sockets = this.#parts.ctx.getWebSockets();
    this.sessions.wake(sockets, this.#parts.cluster.limits);
    this.#countUnanswered(sockets);
    return { sockets: sockets.length };
  }

  /** Whether the platform may hold one more socket: it counts those that never answered our close too (SPEC BD22). */
  hasRoom(now: number): boolean {
    const { ctx, cluster } = this.#parts;
    const { sessionsPerShard } = cluster.limits;
    const isFull = (): boolean => this.sessions.size + this.#unanswered.size >= sessionsPerShard;
    if (!isFull()) return true;
    // An end may have come without a word. A look at every socket costs too much for each refused upgrade.
    if (this.sessions.size < sessionsPerShard && now - this.#countedAt >= RECOUNT_MS) {
      this.#countedAt = now;
      this.#countUnanswered(ctx.getWebSockets());
    }
    return !isFull();
  }

  /** Accepts an upgrade; answers with its session and the 101 for its client. `offered`: the subprotocols that the client offers. */
  accept(opening: Opening, offered: string | null): Accepted {
    const { cluster, wire } = this.#parts;
    const { 0: client, 1: server } = new WebSocketPair();
    // Throws where the attachment has no room, and the platform then holds no socket yet.
    server.serializeAttachment(opening);
    this.#accept(server);
    const session = this.sessions.add(server, opening, cluster.limits);
    const headers = new Headers();
    const names = offered?.split(",").map((name) => name.trim());
    const subprotocol = names === undefined ? undefined : wire.subprotocol(names);
    if (subprotocol !== undefined) headers.set("sec-websocket-protocol", subprotocol);
    return { session, response: new Response(null, { status: 101, webSocket: client, headers }) };
  }

  /** Takes in a connection whose end is in memory. Throws where the attachment has no room. */
  add(peer: MemoryPeer, opening: Opening): Session {
    peer.serializeAttachment(opening);
    return this.sessions.add(peer, opening, this.#parts.cluster.limits);
  }

  /** Accepts a socket that is no session's, or not yet; see `Service.stranger`. */
  acceptStranger(): { readonly socket: WebSocket; readonly response: Response } {
    const { 0: client, 1: server } = new WebSocketPair();
    // A new life of the object takes it for none of its sessions.
    server.serializeAttachment({ state: "closing", id: "" } satisfies Closing);
    this.#accept(server);
    this.#unanswered.add(server);
    return { socket: server, response: new Response(null, { status: 101, webSocket: client }) };
  }

  /** A session goes on over a socket of `acceptStranger`, and sleeps with the object from now on. */
  goOn(session: Session, socket: WebSocket): void {
    socket.serializeAttachment(session.attachment);
    this.#unanswered.delete(socket);
    this.#context.unread.bytes -= session.unprovenBytes;
    this.sessions.replace(session, socket);
  }

  /** Lets a session in, under its user's name; answers false where its socket cannot remember as much. */
  open(session: Session, open: Open): boolean {
    if (!this.sessions.remember(session, open)) return false;
    this.#parts.onOpen(open);
    return true;
  }

  /** When the peer last gave a sign of life, in ms since 1970. */
  seenAt(session: Session): number {
    const { attachment, lastFrameAt } = session;
    return Math.max(attachment.openedAt, lastFrameAt, this.#context.answeredAt(session), lastMoved());
  }

  /** Until `release`, frames to the session wait. */
  hold(session: Session): void {
    session.held ??= new Held();
  }

  /** Sends a frame, then the frames that waited. */
  release(session: Session, first: Frame): void {
    const { held } = session;
    session.held = undefined;
    for (const frame of [first, ...(held?.frames ?? [])]) this.#sendOne(session, frame, Date.now());
    held?.end();
  }

  /** `now`: the time of the turn, ms since 1970. */
  send(session: Session, frames: Frames, now = Date.now()): void {
    if (typeof frames === "string") this.#sendOne(session, frames, now);
    else for (const frame of frames) this.#sendOne(session, frame, now);
  }

  #sendOne(session: Session, frame: Frame, now: number): void {
    if (frame === "" || session.ended) return;
    if (session.held !== undefined) {
      // One frame may be larger than the bound, and closes no reader (SPEC SE4, BD29).
      if (session.held.units > this.#parts.cluster.limits.queuedBytes) return this.end(session, "slow");
      session.held.frames.push(frame);
      session.held.units += frame.length + HELD_FRAME_UNITS;
      return;
    }
    const before = session.unprovenBytes;
    const result = sendFrame(session, frame, now, this.#context);
    const { unread } = this.#context;
    unread.bytes += session.unprovenBytes - before;
    if (result === "slow") this.end(session, "slow");
    else if (unread.bytes > this.#parts.cluster.limits.queuedBytesPerShard) this.relieve(now);
  }

  /** The bytes that a reader has left unread, as far as is known now. */
  unreadOf(session: Session): number {
    return this.#budget.unreadOf(session, Date.now());
  }

  /** Gives up the slowest readers where all together leave too much unread; answers whether they still do (SPEC BD28). */
  relieve(now: number): boolean {
    for (const session of this.#budget.look(this.sessions, now)) this.end(session, "slow");
    return this.#budget.isOver;
  }

  /** Ends a session for a reason of the core's. `detail` takes the place of the reason's text. */
  end(
    session: Session,
    why: EndReason,
    { detail, moving = false }: { detail?: string; moving?: boolean } = {},
  ): void {
    const { code, reason } = this.#parts.wire.closeFor(why);
    this.close(session, { code, reason: detail ?? reason }, { moving, why });
  }

  /** Ends a session with any code. The attachment says so first: the socket may come back (see session.ts). */
  close(
    session: Session,
    close: Close,
    { moving = false, why }: { readonly moving?: boolean; readonly why?: EndReason } = {},
  ): void {
    if (session.ended || this.#ending.has(session)) return;
    const { socket, attachment } = session;
    this.#remove(session, { close, moving, ...(why === undefined ? {} : { why }) });
    if (isSocket(socket)) {
      this.#unanswered.add(socket);
      socket.serializeAttachment({ state: "closing", id: attachment.id } satisfies Closing);
    }
    socket.close(close.code, close.reason);
  }

  /**
   * The peer is gone. A session that we closed ourselves has ended before. One of several sockets that close while the
   * object sleeps is known by its attachment alone, as the platform lists it no more (SPEC BD21, docs/platform.md P12).
   */
  lost(socket: WebSocket, close: Close): void {
    this.#unanswered.delete(socket);
    const session = this.sessions.bySocket.get(socket) ?? this.#recall(socket);
    if (session === undefined) return;
    this.#remove(session, { close, moving: false });
    socket.serializeAttachment({ state: "closing", id: session.attachment.id } satisfies Closing);
  }

  /** Carries out a frame after those before it. Ends a session that sends more than it may (SPEC BD23). */
  async receive(session: Session, frame: Frame, serve: Serve): Promise<void> {
    const units = frame.length;
    const { limits } = this.#parts.cluster;
    if (isLongerThan(frame, limits.frameBytes)) return this.end(session, "messageTooBig");
    if (!admitFrame(session, { units, now: Date.now(), limits })) return this.end(session, "tooManyRequests");
    session.waitingFrames += 1;
    session.waitingUnits += units;
    await this.inOrder(session, () => serve(session, frame));
    session.waitingFrames -= 1;
    session.waitingUnits -= units;
  }

  /**
   * Handlers of one socket interleave at every await in this runtime, so a session has a queue. The work of a session
   * that has ended meanwhile is left.
   */
  inOrder(session: Session, work: () => Promise<void>): Promise<void> {
    session.busy += 1;
    const carryOut = async (): Promise<void> => {
      if (!session.ended) await work();
    };
    session.queue = session.queue.then(carryOut).catch((error: unknown) => {
      logError("a frame failed", { session: session.attachment.id, error });
      this.end(session, "serverError");
    });
    return session.queue.finally(() => {
      session.busy -= 1;
      if (session.busy === 0) session.queue = NOTHING_WAITS;
    });
  }

  #accept(socket: WebSocket): void {
    const { awake, ctx } = this.#parts;
    // A hibernatable socket may wait for its end until the object sleeps (docs/platform.md P47).
    if (awake === undefined) ctx.acceptWebSocket(socket);
    else acceptAwake(socket, awake);
  }

  #recall(socket: WebSocket): Session | undefined {
    const session = this.sessions.recall(socket, this.#parts.cluster.limits);
    if (session !== undefined) this.#parts.onRecall(session);
    return session;
  }

  #countUnanswered(sockets: readonly WebSocket[]): void {
    this.#unanswered = new Set(sockets.filter((socket) => !this.sessions.bySocket.has(socket)));
  }

  #remove(session: Session, ending: Ending): void {
    this.#ending.add(session);
    try {
      this.#parts.onEnd(session, ending);
    } catch (error) {
      // Its socket is closed all the same: a client that is left open here would hear nothing more (SPEC SO68).
      logError("the end of a session could not be told", { session: session.attachment.id, error });
    }
    this.#ending.delete(session);
    this.sessions.delete(session);
    session.held?.end();
    this.#context.unread.bytes -= session.unprovenBytes;
  }
}

/** When the runtime last answered for the object, ms since 1970; 0 if it has not. */
function answeredByRuntime(ctx: DurableObjectState, socket: WebSocket): number {
  const at = ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime();
  return at === undefined ? 0 : fromRuntime(at);
}

const isSocket = (peer: Peer): peer is WebSocket => !("inMemory" in peer);
