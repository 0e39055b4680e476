import { logError } from "../platform/logger.ts";
import type { Session } from "../shard/connections/session.ts";
import type { Core } from "../shard/front.ts";
import { Acks, hasGone, hasTimedOut, REFUSED_AFTER_MS, tooManyAwaited, type Answered } from "./acks.ts";
import type { ClusterWork } from "./broadcaster.ts";
import { ClientRooms } from "./client-rooms.ts";
import { Coming } from "./coming.ts";
import { EmitOrder } from "./emit-order.ts";
import { encodePacket, PacketReader } from "./packets.ts";
import { readChannel } from "./names.ts";
import type { Target } from "./question.ts";
import { PollingPeer } from "./polling-peer.ts";
import { Phases } from "./phases.ts";
import type { Recovery } from "./recovery/recovery.ts";
import { NewRooms, type ReachedRooms } from "./reached-rooms.ts";
import { isThenable, Running } from "./running.ts";
import { Socket, type SocketWork } from "./socket.ts";
import { stateOf, type Member, type State } from "./state.ts";
import { isWritable } from "./wire.ts";

/** A socket of any deployment. */
export type AnySocket = Socket<object, object, object, unknown>;

export type ClientParts = {
  readonly core: Core;
  readonly cluster: ClusterWork;
  /** Undefined where no socket is recovered. */
  readonly recovery: Recovery | undefined;
  readonly reached: ReachedRooms;
  /** Ends a client's socket in one namespace; see `Namespaces.leave`. */
  readonly disconnect: (client: Client, nsp: string, how: { readonly close: boolean }) => void;
};

/** One connection in the memory of its shard; made again from the attachment after a sleep. */
export class Client {
  readonly session: Session;
  readonly reader: PacketReader;
  readonly acks = new Acks();
  readonly #running = new Running();
  readonly #parts: ClientParts;
  readonly #sockets = new Map<string, { readonly socket: AnySocket; stored: string }>();
  readonly rooms: ClientRooms;
  readonly phases = new Phases();
  readonly coming: Coming;
  /** Joins of this client run one after the other, and its emits to rooms after them. */
  #joined: Promise<unknown> = Promise.resolve();
  readonly #emits = new EmitOrder();

  readonly #newRooms: NewRooms;

  constructor(session: Session, parts: ClientParts) {
    this.session = session;
    this.#parts = parts;
    this.rooms = new ClientRooms(session, parts);
    this.coming = new Coming({ session, running: this.#running, connections: parts.core.connections });
    this.#newRooms = new NewRooms(session, parts);
    this.reader = new PacketReader({ maxBytes: parts.core.config.cluster.limits.frameBytes });
  }

  get state(): State {
    return stateOf(this.session);
  }

  /** The socket of a namespace that the client has joined; no other hears its events (SPEC SO5). */
  socket(nsp: string): AnySocket | undefined {
    const member = this.state.members.get(nsp);
    if (member === undefined) return undefined;
    const known = this.#sockets.get(nsp)?.socket;
    return known?.id === member.id ? known : this.keep(nsp, this.makeSocket(nsp, member));
  }

  /** From now on the handlers of a namespace get this socket. */
  keep(nsp: string, socket: AnySocket): AnySocket {
    this.#sockets.set(nsp, { socket, stored: JSON.stringify(this.state.members.get(nsp)?.data) });
    return socket;
  }

  makeSocket(
    nsp: string,
    { id, auth, data, recovered = false }: Member,
    work: SocketWork = this.workOf(nsp, id),
  ): AnySocket {
    const { handshake, identity } = this.state;
    const { openedAt } = this.session.attachment;
    const given = {
      id,
      nsp,
      handshake: {
        ...handshake,
        auth,
        issued: openedAt,
        time: String(new Date(openedAt)),
        user: identity?.user,
        userInfo: identity?.info,
      },
      data,
      recovered,
    };
    return new Socket<object, object, object, unknown>(given, work);
  }

  /** Stores what a handler may have changed in `socket.data`. Throws where the attachment has no room for it. */
  storeData(nsp: string): void {
    const known = this.#sockets.get(nsp);
    const member = this.state.members.get(nsp);
    if (known === undefined || member === undefined || this.session.ended) return;
    const text = JSON.stringify(known.socket.data) ?? "null";
    if (text === known.stored) return;
    const data: unknown = JSON.parse(text);
    if (!this.remember(nsp, { ...member, data }))
      throw new Error("socket.data is too large: a connection keeps 16 KiB in all (docs/from-socket-io.md)");
    known.stored = text;
    this.#parts.recovery?.keeper.dataChanged(member.id, data);
  }

  /** Stores a namespace in the attachment; undefined forgets it. Answers false where there is no room. */
  remember(nsp: string, member: Member | undefined): boolean {
    const { session } = this;
    const members = new Map(this.state.members);
    if (member === undefined) members.delete(nsp);
    else members.set(nsp, member);
    const ofFront: State = { ...this.state, members };
    return this.#parts.core.connections.sessions.remember(session, { ...session.attachment, ofFront });
  }

  /** Takes the socket out of its namespace and rooms. */
  forget(nsp: string): void {
    const { core, recovery } = this.#parts;
    for (const channel of this.rooms.channelsOf(nsp)) core.subscriptions.leave(this.session, channel);
    const member = this.state.members.get(nsp);
    if (member !== undefined) recovery?.keeper.forget(member.id);
    this.#sockets.delete(nsp);
    this.remember(nsp, undefined);
    this.acks.end(nsp);
  }

  /** Resolves when the next frame may be carried out. */
  whenNotBusy(): Promise<void> {
    return this.#running.whenNotBusy({
      waiting: () => this.acks.size,
      isEnded: () => this.session.ended,
    });
  }

  workOf(nsp: string, id: string): SocketWork {
    const { cluster, core, disconnect, recovery } = this.#parts;
    const isConnected = (): boolean =>
      !this.session.ended && this.phases.of(nsp) !== "left" && this.state.members.get(nsp)?.id === id;
    const refusalOf = (event: {
      readonly volatile: boolean;
      readonly isAsked: boolean;
    }): Error | undefined => {
      if (!isConnected()) return hasGone();
      if (event.volatile && !isWritable(this.session, core.connections)) return hasTimedOut();
      return event.isAsked && this.acks.isFull ? tooManyAwaited() : undefined;
    };
    return {
      isConnected,
      conn: () => ({
        id: this.state.sid,
        protocol: 4,
        transport: { name: this.session.socket instanceof PollingPeer ? "polling" : "websocket" },
        remoteAddress: this.state.handshake.address,
      }),
      rooms: () => {
        // As in a stock server: none before it is in, and none from `disconnect` on.
        if (this.state.members.get(nsp)?.id !== id || this.phases.of(nsp) === "left") return new Set();
        const rooms = this.rooms.channelsOf(nsp).flatMap((channel) => readChannel(channel).room ?? []);
        return new Set([id, ...rooms]);
      },
      join: (rooms) =>
        this.#inTurn(async () => {
          // The join of a shared room tells the user of the data.
          this.storeData(nsp);
          for (const room of rooms) if (room !== id && isConnected()) await this.rooms.join(nsp, room);
        }),
      leave: (room) =>
        this.#inTurn(async () => {
          if (isConnected()) this.rooms.leave(nsp, id, room);
        }),
      send: (args, { volatile, ack }) => {
        if (recovery !== undefined && ack === undefined)
          return recovery.emit(nsp, id, args, { volatile: volatile === true });
        const answered: Answered = (...answer) =>
          this.run(nsp, String(args[0]), () => ack?.answered(...answer));
        const refusal = refusalOf({ volatile: volatile === true, isAsked: ack !== undefined });
        if (refusal !== undefined) {
          if (ack !== undefined)
            setTimeout(() => answered(refusal, []), Math.min(ack.timeoutMs, REFUSED_AFTER_MS));
          return;
        }
        const ackId = ack === undefined ? undefined : this.acks.expect(nsp, { ...ack, answered });
        try {
          core.connections.send(this.session, encodePacket({ kind: "event", nsp, args, id: ackId }));
        } catch (error) {
          if (ackId !== undefined) this.acks.drop(ackId);
          throw error;
        }
        this.#running.progress();
      },
      disconnect: (close) => {
        if (isConnected()) disconnect(this, nsp, { close });
      },
      cluster: {
        publish: (target, args, flags) => {
          const isLocal = flags.local === true;
          const refusal = isLocal ? undefined : this.#newRooms.refusalOf(target);
          if (refusal !== undefined) return Promise.reject(refusal);
          let isRead = false;
          const published = cluster.publish(target, args, flags, (send) => {
            isRead = true;
            return this.#inOrder(isLocal ? undefined : target, send);
          });
          // The handler may not wait for it.
          published.catch((error: unknown) => {
            if (!isRead) logError("an event cannot be emitted", { namespace: nsp, event: args[0], error });
          });
          return published;
        },
        // Answers of clients may take a minute, and hold up nothing.
        ask: (...call) =>
          call[0].kind === "gather"
            ? this.#running.waiting(this.#before(), () => cluster.ask(...call))
            : this.#inOrder(undefined, () => cluster.ask(...call)),
        run: (event, callback) => this.run(nsp, event, callback),
      },
    };
  }

  /** Joins and leaves of this client, one after the other. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#joined.then(work);
    this.#joined = this.#running.owe(done);
    return done;
  }

  /** In the order of the calls, after the joins before them. `target`: of an emit. */
  #inOrder<T>(target: Target | undefined, work: () => Promise<T>): Promise<T> {
    const ended = (done: Promise<T>): Promise<void> => this.#running.owe(done);
    return this.#emits.run(target, { joined: this.#joined, work, ended });
  }

  /** Ends with the joins and emits that have been called. */
  #before(): Promise<unknown> {
    return Promise.all([this.#joined, this.#emits.ended]);
  }

  /** Runs a handler, and stores what it has changed. A handler that fails changes nothing for the client. */
  run(nsp: string, event: string, handler: () => unknown): void {
    const failed = (error: unknown): void =>
      logError("a handler of Socket.IO failed", {
        session: this.session.attachment.id,
        namespace: nsp,
        event,
        error,
      });
    const store = (): void => {
      try {
        this.storeData(nsp);
      } catch (error) {
        failed(error);
        this.#parts.core.connections.end(this.session, "serverError");
      }
    };
    const end = async (result: PromiseLike<unknown>): Promise<void> => {
      try {
        await this.#running.handler(result);
      } catch (error) {
        failed(error);
      }
      store();
    };
    try {
      const result = handler();
      if (isThenable(result)) void end(result);
    } catch (error) {
      failed(error);
    }
    store();
  }
}
