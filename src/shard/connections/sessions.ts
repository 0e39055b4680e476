import type { BudgetLimits } from "./budgets.ts";
import type { Peer } from "./peer.ts";
import type { Attachment, Live, Open, Session } from "./session.ts";

/** The sessions of a shard, found by socket and by user; rebuilt from the attachments after a sleep. */
export class Sessions {
  readonly bySocket = new Map<Peer, Session>();
  /** A user with one session has no set, which would be a tenth of the session's memory. */
  readonly #byUser = new Map<string, Session | Set<Session>>();
  /** The sessions of operators, who are no users. */
  readonly operators = new Set<Session>();

  get size(): number {
    return this.bySocket.size;
  }

  /** The sessions without those of operators (SPEC AU8). */
  get clients(): number {
    return this.bySocket.size - this.operators.size;
  }

  get users(): number {
    return this.#byUser.size;
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.bySocket.values();
  }

  /** Takes in the sockets that slept with the object. One that we had closed is no session any more. */
  wake(sockets: Iterable<WebSocket>, limits: BudgetLimits): void {
    for (const socket of sockets) this.recall(socket, limits);
  }

  /** Takes in a socket by its attachment. Undefined where we had closed it. */
  recall(socket: WebSocket, limits: BudgetLimits): Session | undefined {
    const attachment = socket.deserializeAttachment() as Attachment | null;
    if (attachment === null || attachment.state === "closing") return undefined;
    return this.add(socket, attachment, limits);
  }

  add(socket: Peer, attachment: Live, limits: BudgetLimits): Session {
    const session = newSession(socket, attachment, limits);
    this.bySocket.set(socket, session);
    if (session.attachment.state === "open") this.#index(session, session.attachment);
    return session;
  }

  /** The session goes on over another peer, of whose reading nothing is known. */
  replace(session: Session, peer: Peer): void {
    this.bySocket.delete(session.socket);
    session.socket = peer;
    session.unprovenBytes = 0;
    session.askedAt = undefined;
    session.lastFrameAt = Date.now();
    this.bySocket.set(peer, session);
  }

  ofUser(user: string): readonly Session[] {
    const sessions = this.#byUser.get(user);
    if (sessions === undefined) return [];
    return sessions instanceof Set ? [...sessions] : [sessions];
  }

  /**
   * Stores what the session is now. Answers false, and changes nothing, where the socket has no room for it. That a session
   * has ended stays stored, whatever its handlers still change.
   */
  remember(session: Session, attachment: Live): boolean {
    if (session.ended) return true;
    try {
      session.socket.serializeAttachment(attachment);
    } catch {
      return false;
    }
    const before = session.attachment;
    session.attachment = attachment;
    if (before.state === "opening" && attachment.state === "open") this.#index(session, attachment);
    return true;
  }

  /** Removes exactly this session; a newer one of the same user stays. */
  delete(session: Session): void {
    session.ended = true;
    this.bySocket.delete(session.socket);
    this.operators.delete(session);
    if (session.attachment.state !== "open") return;
    const { user } = session.attachment;
    const sessions = this.#byUser.get(user);
    if (sessions instanceof Set) sessions.delete(session);
    if (sessions === session || (sessions instanceof Set && sessions.size === 0)) this.#byUser.delete(user);
  }

  #index(session: Session, { user, operator }: Open): void {
    if (operator === true) {
      this.operators.add(session);
      return;
    }
    const others = this.#byUser.get(user);
    if (others instanceof Set) others.add(session);
    else this.#byUser.set(user, others === undefined ? session : new Set([others, session]));
  }
}

export const NOTHING_WAITS = Promise.resolve();

export function newSession(socket: Peer, attachment: Live, limits: BudgetLimits): Session {
  return {
    socket,
    ended: false,
    attachment,
    queue: NOTHING_WAITS,
    busy: 0,
    waitingFrames: 0,
    waitingUnits: 0,
    limits,
    budgets: undefined,
    reached: undefined,
    held: undefined,
    unprovenBytes: 0,
    probedAt: undefined,
    askedAt: undefined,
    lastFrameAt: 0,
    answeredAt: 0,
    pingedBy: "alarm",
  };
}
