import { MOST_WAIT_MS, type Answered } from "./acks.ts";
import { Broadcaster, checkArgs, splitAck, type ClusterWork, type Flags } from "./broadcaster.ts";
import type { EventArgs } from "./packets.ts";
import type { AnswerOf, ArgsOf, Events, NameOf, SentArgsOf, TimedArgsOf } from "./types.ts";

/** How an event goes to one client. */
export type SendHow = {
  readonly volatile?: true;
  readonly ack?: { readonly timeoutMs: number; readonly answered: Answered };
};

export type SenderWork = {
  readonly send: (args: EventArgs, how: SendHow) => void;
  /** In the order of the socket's calls. */
  readonly cluster: ClusterWork;
};

export type SenderParts = { readonly id: string; readonly nsp: string; readonly work: SenderWork };

/** Sends to a socket, or to others on its behalf. */
export class Sender<Emit extends Events, Data> {
  readonly #parts: SenderParts;
  readonly #flags: Flags;

  constructor(parts: SenderParts, flags: Flags = {}) {
    this.#parts = parts;
    this.#flags = flags;
  }

  /** Sends an event. A function as the last argument gets the client's answer, if it comes within 60 s. */
  emit<Name extends NameOf<Emit>>(event: Name, ...args: ArgsOf<Emit, Name>): true {
    const [ack, rest] = splitAck(args);
    const answered: Answered = (error, answer) => (error === null ? ack?.(...answer) : undefined);
    this.#send([event, ...rest], ack === undefined ? undefined : answered);
    return true;
  }

  /** The same as an event `message`. */
  send(...args: ArgsOf<Emit, "message" & NameOf<Emit>>): this {
    this.emit("message" as "message" & NameOf<Emit>, ...args);
    return this;
  }

  /** Resolves with the client's answer. Rejects after 60 s, and when the socket has gone. */
  emitWithAck<Name extends NameOf<Emit>>(
    event: Name,
    ...args: SentArgsOf<Emit, Name>
  ): Promise<AnswerOf<Emit, Name>> {
    return new Promise((resolve, reject) => {
      this.#send([event, ...args], (error, [answer]) =>
        error === null ? resolve(answer as AnswerOf<Emit, Name>) : reject(error),
      );
    });
  }

  /** The next emit gives its acknowledgement an error as first argument after so many ms, 60,000 at most. */
  timeout(ms: number): TimedSender<Emit, Data> {
    const flags = { ...this.#flags, timeoutMs: ms };
    const timed = new Sender<Emit, Data>(this.#parts, flags);
    return {
      emit: (event, ...args) => {
        const [ack, rest] = splitAck(args);
        timed.#send([event, ...rest], (error, answer) => ack?.(error, ...answer));
        return true;
      },
      emitWithAck: (event, ...args) => timed.emitWithAck(event, ...args),
      get broadcast() {
        return timed.broadcast;
      },
      to: (room) => timed.to(room),
      in: (room) => timed.to(room),
      except: (room) => timed.except(room),
    };
  }

  /** The next emit passes over a client that cannot take an event now (SPEC SO31). */
  get volatile(): Sender<Emit, Data> {
    return new Sender(this.#parts, { ...this.#flags, volatile: true });
  }

  /** Changes nothing: the platform compresses a connection, or does not. */
  compress(_isWanted: boolean): this {
    return this;
  }

  /** To every socket of the namespace but this one. */
  get broadcast(): Broadcaster<Emit, Data> {
    const { id, nsp, work } = this.#parts;
    return new Broadcaster(work.cluster, { nsp, rooms: [], except: [id] }, this.#flags);
  }

  /** To the other sockets of the namespace that this shard holds (SPEC SO31). */
  get local(): Broadcaster<Emit, Data> {
    return this.broadcast.local;
  }

  to(room: string | readonly string[]): Broadcaster<Emit, Data> {
    return this.broadcast.to(room);
  }

  in(room: string | readonly string[]): Broadcaster<Emit, Data> {
    return this.broadcast.to(room);
  }

  except(room: string | readonly string[]): Broadcaster<Emit, Data> {
    return this.broadcast.except(room);
  }

  #send(args: EventArgs, answered: Answered | undefined): void {
    const { volatile, timeoutMs = MOST_WAIT_MS } = this.#flags;
    this.#parts.work.send(checkArgs(args), {
      ...(volatile === undefined ? {} : { volatile }),
      ...(answered === undefined ? {} : { ack: { timeoutMs, answered } }),
    });
  }
}

export type TimedSender<Emit extends Events, Data> = Pick<
  Sender<Emit, Data>,
  "broadcast" | "to" | "in" | "except"
> & {
  emit<Name extends NameOf<Emit>>(event: Name, ...args: TimedArgsOf<Emit, Name>): true;
  emitWithAck<Name extends NameOf<Emit>>(
    event: Name,
    ...args: SentArgsOf<Emit, Name>
  ): Promise<AnswerOf<Emit, Name>>;
};
