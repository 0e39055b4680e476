import { MOST_WAIT_MS, type Answered } from "./acks.ts";
import { Broadcaster, checkArgs, type Publish } from "./broadcaster.ts";
import type { EventArgs } from "./packets.ts";
import type { HandshakeInfo } from "./state.ts";
import type { AnswerOf, ArgsOf, Events, NameOf, SentArgsOf } from "./types.ts";

/** The handshake of a socket. It stays as it was, also after a sleep. */
export type Handshake = HandshakeInfo & {
  /** What the client has sent as `auth`. */
  readonly auth: Readonly<Record<string, unknown>>;
  /** When the connection was opened, ms since 1970. */
  readonly issued: number;
  /** The identity of the upgrade, from the hook `authenticate` or a token in the address. */
  readonly user: string | undefined;
  readonly userInfo: unknown;
};

/** What a socket does through its connection. */
export type SocketWork = {
  readonly isConnected: () => boolean;
  readonly rooms: () => ReadonlySet<string>;
  readonly join: (rooms: readonly string[]) => Promise<void>;
  readonly leave: (room: string) => void;
  readonly send: (args: EventArgs, ack?: { readonly timeoutMs: number; readonly answered: Answered }) => void;
  readonly disconnect: (close: boolean) => void;
  readonly publish: Publish;
};

const GUIDE = "handlers belong to the namespace: see docs/from-socket-io.md";

/** A client in one namespace, as handlers get it; the same object while the shard is awake. */
export class Socket<Emit extends Events, Data> {
  readonly id: string;
  /** The name of the namespace. */
  readonly name: string;
  readonly handshake: Handshake;
  /** Kept through sleep, as JSON would keep it; changes are stored when a handler has ended. */
  data: Data;
  /** A lost session is never recovered: a client that comes back is a new socket. */
  readonly recovered = false;
  readonly #work: SocketWork;

  constructor(
    given: { readonly id: string; readonly nsp: string; readonly handshake: Handshake; readonly data: Data },
    work: SocketWork,
  ) {
    this.id = given.id;
    this.name = given.nsp;
    this.handshake = given.handshake;
    this.data = given.data;
    this.#work = work;
  }

  get connected(): boolean {
    return this.#work.isConnected();
  }

  /** The socket's rooms, its own id among them. */
  get rooms(): ReadonlySet<string> {
    return this.#work.rooms();
  }

  /** Resolves when the socket hears the rooms. Rejects where a room cannot be reached, or is one too many. */
  join(room: string | readonly string[]): Promise<void> {
    const joined = this.#work.join(typeof room === "string" ? [room] : room);
    joined.catch(() => undefined);
    return joined;
  }

  leave(room: string): void {
    this.#work.leave(room);
  }

  /** Sends an event. A function as the last argument gets the client's answer, if it comes within 60 s. */
  emit<Name extends NameOf<Emit>>(event: Name, ...args: ArgsOf<Emit, Name>): true {
    const [ack, rest] = splitAck(args);
    const answered: Answered = (error, answer) => (error === null ? ack?.(...answer) : undefined);
    this.#work.send(
      checkArgs([event, ...rest]),
      ack === undefined ? undefined : { timeoutMs: MOST_WAIT_MS, answered },
    );
    return true;
  }

  send(...args: ArgsOf<Emit, NameOf<Emit> & "message">): true {
    return this.emit("message" as NameOf<Emit> & "message", ...args);
  }

  /** The client's answer to an event. Rejects after 60 s, or after the time of `timeout(ms)`. */
  emitWithAck<Name extends NameOf<Emit>>(
    event: Name,
    ...args: SentArgsOf<Emit, Name>
  ): Promise<AnswerOf<Emit, Name>> {
    return this.#emitWithAck(MOST_WAIT_MS, [event, ...args]) as Promise<AnswerOf<Emit, Name>>;
  }

  /** The next emit gives its acknowledgement an error as first argument after so many ms, 60,000 at most. */
  timeout(ms: number): TimedEmit<Emit> {
    return {
      emit: (event, ...args) => {
        const [ack, rest] = splitAck(args);
        const answered: Answered = (error, answer) => ack?.(error, ...answer);
        this.#work.send(checkArgs([event, ...rest]), { timeoutMs: ms, answered });
        return true;
      },
      emitWithAck: (event, ...args) =>
        this.#emitWithAck(ms, [event, ...args]) as Promise<AnswerOf<Emit, typeof event>>,
    };
  }

  /** To every socket of the namespace but this one. */
  get broadcast(): Broadcaster<Emit> {
    return this.nsp.except(this.id);
  }

  to(room: string | readonly string[]): Broadcaster<Emit> {
    return this.broadcast.to(room);
  }

  in(room: string | readonly string[]): Broadcaster<Emit> {
    return this.broadcast.to(room);
  }

  except(room: string | readonly string[]): Broadcaster<Emit> {
    return this.broadcast.except(room);
  }

  /** The namespace, to emit to all of its sockets or to rooms, this one included. */
  get nsp(): Broadcaster<Emit> {
    return this.of<Emit>(this.name);
  }

  /** Another namespace. */
  of<Other extends Events = Emit>(nsp: string): Broadcaster<Other> {
    return new Broadcaster(this.#work.publish, { nsp, rooms: [], except: [] });
  }

  /** Ends this socket; the client does not come back by itself. `close`: ends its other namespaces, too. */
  disconnect(close = false): this {
    this.#work.disconnect(close);
    return this;
  }

  on(): never {
    throw new Error(`socket.on does not outlive a sleep; ${GUIDE}`);
  }

  use(): never {
    throw new Error(`socket.use does not outlive a sleep; ${GUIDE}`);
  }

  #emitWithAck(timeoutMs: number, args: EventArgs): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const answered: Answered = (error, [answer]) => (error === null ? resolve(answer) : reject(error));
      this.#work.send(checkArgs(args), { timeoutMs, answered });
    });
  }
}

export type TimedEmit<Emit extends Events> = {
  emit<Name extends NameOf<Emit>>(
    event: Name,
    ...args: [...SentArgsOf<Emit, Name>, ack: (error: Error | null, answer: AnswerOf<Emit, Name>) => void]
  ): true;
  emitWithAck<Name extends NameOf<Emit>>(
    event: Name,
    ...args: SentArgsOf<Emit, Name>
  ): Promise<AnswerOf<Emit, Name>>;
};

/** The acknowledgement, if the last argument is one, and the other arguments. */
function splitAck(
  args: readonly unknown[],
): readonly [((...answer: unknown[]) => unknown) | undefined, readonly unknown[]] {
  const last = args.at(-1);
  return typeof last === "function"
    ? [last as (...answer: unknown[]) => unknown, args.slice(0, -1)]
    : [undefined, args];
}
