import { logError } from "../platform/logger.ts";
import { parseChannel } from "../policy/channels.ts";
import { mayReach } from "../shard/connections/new-channels.ts";
import { subscriptionsOf, type Session } from "../shard/connections/session.ts";
import type { Core } from "../shard/front.ts";
import { Acks, hasGone, hasTimedOut, type Answered } from "./acks.ts";
import type { ClusterWork } from "./broadcaster.ts";
import { EmitOrder } from "./emit-order.ts";
import { encodePacket, PacketReader } from "./packets.ts";
import { namespaceChannel, readChannel, shardOfSocket } from "./names.ts";
import type { Target } from "./question.ts";
import { PollingPeer } from "./polling-peer.ts";
import type { Recovery } from "./recovery/recovery.ts";
import { isThenable, Running } from "./running.ts";
import { channelOfRoom } from "./shared-rooms.ts";
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
  /** Joins of this client run one after the other, and its emits to rooms after them. */
  #rooms: Promise<unknown> = Promise.resolve();
  readonly #emits = new EmitOrder();

  constructor(session: Session, parts: ClientParts) {
    this.session = session;
    this.#parts = parts;
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

  makeSocket(nsp: string, { id, auth, data, recovered = false }: Member): AnySocket {
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
    return new Socket<object, object, object, unknown>(given, this.#workOf(nsp, id));
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
    for (const channel of this.#channelsOf(nsp)) core.subscriptions.leave(this.session, channel);
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

  #channelsOf(nsp: string): string[] {
    return [...subscriptionsOf(this.session).keys()].filter((channel) => readChannel(channel).nsp === nsp);
  }

  #workOf(nsp: string, id: string): SocketWork {
    const { cluster, core, disconnect, recovery } = this.#parts;
    const isConnected = (): boolean => !this.session.ended && this.state.members.get(nsp)?.id === id;
    return {
      isConnected,
      conn: () => ({
        id: this.state.sid,
        protocol: 4,
        transport: { name: this.session.socket instanceof PollingPeer ? "polling" : "websocket" },
        remoteAddress: this.state.handshake.address,
      }),
      rooms: () =>
        new Set([id, ...this.#channelsOf(nsp).flatMap((channel) => readChannel(channel).room ?? [])]),
      join: (rooms) =>
        this.#inTurn(async () => {
          // The join of a shared room tells the user of the data.
          this.storeData(nsp);
          for (const room of rooms) if (room !== id && isConnected()) await this.#join(nsp, room);
        }),
      leave: (room) =>
        this.#inTurn(async () => {
          const channel = this.#channelsOf(nsp).find((one) => readChannel(one).room === room);
          if (channel === undefined || !isConnected()) return;
          core.subscriptions.leave(this.session, channel);
          recovery?.keeper.left(id, channel);
        }),
      send: (args, { volatile, ack }) => {
        if (recovery !== undefined && ack === undefined)
          return recovery.emit(nsp, id, args, { volatile: volatile === true });
        const answered: Answered = (...answer) =>
          this.run(nsp, String(args[0]), () => ack?.answered(...answer));
        if (!isConnected()) return queueMicrotask(() => answered(hasGone(), []));
        if (volatile === true && !isWritable(this.session))
          return queueMicrotask(() => answered(hasTimedOut(), []));
        const ackId = ack === undefined ? undefined : this.acks.expect(nsp, { ...ack, answered });
        try {
          core.connections.send(this.session, encodePacket({ kind: "event", nsp, args, id: ackId }));
        } catch (error) {
          if (ackId !== undefined) this.acks.drop(ackId);
          throw error;
        }
        this.#running.progress();
      },
      disconnect: (close) => disconnect(this, nsp, { close }),
      cluster: {
        publish: (target, args, flags) =>
          this.#inOrder(flags.local === true ? undefined : target, () =>
            cluster.publish(target, args, flags),
          ),
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
    const done = this.#rooms.then(work);
    this.#rooms = this.#running.owe(done);
    return done;
  }

  /** In the order of the calls, after the joins before them. `target`: of an emit. */
  #inOrder<T>(target: Target | undefined, work: () => Promise<T>): Promise<T> {
    const ended = (done: Promise<T>): Promise<void> => this.#running.owe(done);
    return this.#emits.run(target, { joined: this.#rooms, work, ended });
  }

  /** Ends with the joins and emits that have been called. */
  #before(): Promise<unknown> {
    return Promise.all([this.#rooms, this.#emits.ended]);
  }

  async #join(nsp: string, room: string): Promise<void> {
    const { config } = this.#parts.core;
    const { limits } = config.cluster;
    if (shardOfSocket(room) !== undefined) throw new Error("no socket joins the room of another socket's id");
    const channel = channelOfRoom(config, nsp, room);
    if (subscriptionsOf(this.session).has(channel)) return;
    this.#checkCount();
    if (!mayReach(this.session, channel, limits)) throw new Error("a connection joins new rooms too fast");
    await this.#listen(nsp, channel);
  }

  /** Hears a channel. `tell` runs in the turn in which it begins. Throws where there is no room for it. */
  async #listen(nsp: string, channel: string, tell: () => void = () => undefined): Promise<void> {
    const { core, recovery } = this.#parts;
    const parsed = parseChannel(channel, core.config.cluster.limits.channelBytes);
    if (!parsed.ok) throw new Error("a room has a name that is no channel");
    // Where it is not known what the shard has missed of a channel with history, the client comes back and begins anew.
    const subscription = { byServer: true } as const;
    const request = { channel: parsed.channel, user: "", wishes: {}, subscription };
    const joined = await core.subscriptions.join(this.session, request, ({ position }) => {
      const member = this.state.members.get(nsp);
      if (member !== undefined) recovery?.keeper.joined(member.id, channel, position);
      tell();
    });
    if (joined === "full")
      throw new Error("the rooms are too many: a connection keeps 16 KiB in all (docs/from-socket-io.md)");
  }

  /** Hears what is for all sockets of a namespace. */
  async enter(nsp: string, tell: () => void): Promise<void> {
    this.#checkCount();
    const channel = namespaceChannel(nsp);
    const isMadeUp = this.state.members.get(nsp)?.foundBy !== undefined;
    if (isMadeUp && !mayReach(this.session, channel, this.#parts.core.config.cluster.limits))
      throw new Error("a connection joins new namespaces too fast");
    await this.#listen(nsp, channel, tell);
  }

  #checkCount(): void {
    const { channelsPerClient } = this.#parts.core.config.cluster.limits;
    if (subscriptionsOf(this.session).size >= channelsPerClient)
      throw new Error(`a connection is in ${channelsPerClient} rooms at most, namespaces included`);
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
