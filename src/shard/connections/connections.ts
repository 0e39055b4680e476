import type { ClusterConfig } from "../../config/cluster.ts";
import type { Close } from "../../contracts/refusal.ts";
import { logError } from "../../platform/logger.ts";
import type { Wire } from "../wire.ts";
import type { EndReason } from "./end-reasons.ts";
import { sendFrame, type SendContext } from "./outbox.ts";
import { Sessions } from "./sessions.ts";
import type { Open, Opening, Session } from "./session.ts";

/** `moving`: the user is about to return, so its channels hold its leaves back. */
export type Ending = { readonly close: Close; readonly moving: boolean };

export type ConnectionsParts = {
  readonly ctx: DurableObjectState;
  readonly cluster: ClusterConfig;
  readonly wire: Wire;
  /** A session was let in. */
  readonly onOpen: (open: Open) => void;
  /** A session is about to end; its subscriptions are still known. */
  readonly onEnd: (session: Session, ending: Ending) => void;
};

/** The life of sockets: accepted, sent to, kept in order, ended, and found again after a sleep (SPEC SE). */
export class Connections {
  readonly sessions = new Sessions();
  readonly #parts: ConnectionsParts;
  readonly #context: SendContext;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
    const { ctx, cluster, wire } = parts;
    this.#context = {
      limits: cluster.limits,
      ping: wire.heartbeat.ping,
      answeredAt: (socket) => ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0,
    };
  }

  /**
   * Takes in the sessions that slept with the object; answers how many sockets there are. `closing`: sockets whose end
   * wakes it, which the platform lists no more (docs/platform.md P12).
   */
  wake(closing: readonly WebSocket[]): { readonly sockets: number } {
    const sockets = new Set([...this.#parts.ctx.getWebSockets(), ...closing]);
    this.sessions.wake(sockets, this.#parts.cluster.limits);
    return { sockets: sockets.size };
  }

  /** Accepts an upgrade; answers with the 101 for its client. `offered`: the subprotocols that the client offers. */
  accept(opening: Opening, offered: string | null): Response {
    const { ctx, cluster, wire } = this.#parts;
    const { 0: client, 1: server } = new WebSocketPair();
    ctx.acceptWebSocket(server);
    server.serializeAttachment(opening);
    this.sessions.add(server, opening, cluster.limits);
    const headers = new Headers();
    const names = offered?.split(",").map((name) => name.trim());
    const subprotocol = names === undefined ? undefined : wire.subprotocol(names);
    if (subprotocol !== undefined) headers.set("sec-websocket-protocol", subprotocol);
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  /** Lets a session in, under its user's name; answers false where its socket cannot remember as much. */
  open(session: Session, open: Open): boolean {
    if (!this.sessions.remember(session, open)) return false;
    this.#parts.onOpen(open);
    return true;
  }

  /** When the peer last gave a sign of life, in ms since 1970. */
  seenAt({ attachment, lastFrameAt, socket }: Session): number {
    return Math.max(attachment.openedAt, lastFrameAt, this.#context.answeredAt(socket));
  }

  /** Until `release`, frames to the session wait. */
  hold(session: Session): void {
    session.held ??= [];
  }

  /** Sends a frame, then the frames that waited. */
  release(session: Session, first: string): void {
    const held = session.held ?? [];
    session.held = undefined;
    for (const frame of [first, ...held]) this.send(session, frame);
  }

  /** `now`: the time of the turn, ms since 1970. */
  send(session: Session, frame: string, now = Date.now()): void {
    if (frame === "" || session.ended) return;
    if (session.held !== undefined) {
      session.held.push(frame);
      return;
    }
    if (sendFrame(session, frame, now, this.#context) === "slow") this.end(session, "slow");
  }

  /** Ends a session for a reason of the core's. `detail` takes the place of the reason's text. */
  end(
    session: Session,
    why: EndReason,
    { detail, moving = false }: { detail?: string; moving?: boolean } = {},
  ): void {
    const { code, reason } = this.#parts.wire.closeFor(why);
    this.close(session, { code, reason: detail ?? reason }, { moving });
  }

  /** Ends a session with any code. The attachment says so first: the socket may come back (see session.ts). */
  close(session: Session, close: Close, { moving = false } = {}): void {
    if (session.ended) return;
    this.#remove(session, { close, moving });
    session.socket.serializeAttachment({ state: "closing", id: session.attachment.id });
    session.socket.close(close.code, close.reason);
  }

  /** The peer is gone. A session that we closed ourselves has ended before. */
  lost(socket: WebSocket, close: Close): void {
    const session = this.sessions.bySocket.get(socket);
    if (session !== undefined) this.#remove(session, { close, moving: false });
  }

  /** Handlers of one socket interleave at every await in this runtime, so a session has a queue. */
  inOrder(session: Session, work: () => Promise<void>): Promise<void> {
    session.busy += 1;
    session.queue = session.queue.then(work).catch((error: unknown) => {
      logError("a frame failed", { session: session.attachment.id, error });
      this.end(session, "serverError");
    });
    return session.queue.finally(() => (session.busy -= 1));
  }

  #remove(session: Session, ending: Ending): void {
    try {
      this.#parts.onEnd(session, ending);
    } finally {
      this.sessions.delete(session);
    }
  }
}
