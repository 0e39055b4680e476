import { listOf, nameOfRoom } from "./broadcaster.ts";
import type { Handshake } from "./handshake.ts";
import { Namespace } from "./namespace.ts";
import { Sender, type SenderWork } from "./sender.ts";
import type { AnyData, AnyEvents, Events, NameOf } from "./types.ts";

/** What a socket does through its connection. */
export type SocketWork = SenderWork & {
  readonly isConnected: () => boolean;
  readonly conn: () => Conn;
  readonly rooms: () => ReadonlySet<string>;
  readonly join: (rooms: readonly string[]) => Promise<void>;
  readonly leave: (room: string) => Promise<void>;
  readonly disconnect: (close: boolean) => void;
};

/** The connection under the sockets of a client. Its id opens its session: it MUST stay secret. */
export type Conn = {
  readonly id: string;
  readonly protocol: 4;
  readonly transport: { readonly name: "websocket" | "polling" };
  readonly remoteAddress: string;
};

const GUIDE = "handlers belong to the namespace: see docs/from-socket-io.md";

/** A client in one namespace, as handlers get it; the same object while the shard is awake. */
export class Socket<
  Listen extends Events = AnyEvents,
  Emit extends Events = Listen,
  ServerSide extends Events = AnyEvents,
  Data = AnyData,
> extends Sender<Emit, Data> {
  readonly id: string;
  /** The namespace, to emit to all of its sockets or to rooms, this one included. */
  readonly nsp: Namespace<Emit, ServerSide, Data>;
  readonly handshake: Handshake;
  /** Kept through sleep, as JSON would keep it; changes are stored when a handler has ended. */
  data: Data;
  /** Whether its client came back for a session that was lost: rooms and data are those of before. */
  readonly recovered: boolean;
  readonly #work: SocketWork;

  constructor(
    given: {
      readonly id: string;
      readonly nsp: string;
      readonly handshake: Handshake;
      readonly data: Data;
      readonly recovered?: boolean;
    },
    work: SocketWork,
  ) {
    super({ id: given.id, nsp: given.nsp, work });
    this.id = given.id;
    this.nsp = new Namespace(work.cluster, given.nsp);
    this.handshake = given.handshake;
    this.data = given.data;
    this.recovered = given.recovered ?? false;
    this.#work = work;
  }

  get connected(): boolean {
    return this.#work.isConnected();
  }

  get disconnected(): boolean {
    return !this.connected;
  }

  get conn(): Conn {
    return this.#work.conn();
  }

  /** The socket's rooms, its own id among them. */
  get rooms(): ReadonlySet<string> {
    return this.#work.rooms();
  }

  /** Resolves when the socket hears the rooms. Rejects where a room cannot be reached, or is one too many. */
  join(room: string | readonly string[]): Promise<void> {
    const joined = this.#work.join(listOf(room));
    joined.catch(() => undefined);
    return joined;
  }

  /** Resolves when the socket has left the room. */
  leave(room: string): Promise<void> {
    return this.#work.leave(nameOfRoom(room));
  }

  /** Ends this socket; the client does not come back by itself. `close`: ends its other namespaces, too. */
  disconnect(close = false): this {
    this.#work.disconnect(close);
    return this;
  }

  /** Throws: use `io.on`. */
  on(_event: NameOf<Listen>, _handler?: unknown): never {
    throw new Error(`socket.on does not outlive a sleep; ${GUIDE}`);
  }

  /** Throws: use `io.usePacket`. */
  use(_middleware?: unknown): never {
    throw new Error(`socket.use does not outlive a sleep; ${GUIDE}`);
  }

  /** Throws: use `io.onAny`. */
  onAny(_handler?: unknown): never {
    throw new Error(`socket.onAny does not outlive a sleep; ${GUIDE}`);
  }
}
