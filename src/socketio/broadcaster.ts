import { MOST_WAIT_MS, newSharedId } from "./acks.ts";
import { sumOf, type Sum } from "./gathered.ts";
import { InputError } from "./input-error.ts";
import { encodeMessage } from "./message.ts";
import { isEventName, type EventArgs } from "./packets.ts";
import type { Question, SocketFacts, Target } from "./question.ts";
import { RemoteSocket } from "./remote-socket.ts";
import type { AnswerOf, Events, ManyArgsOf, NameOf, SentArgsOf } from "./types.ts";

/** How an emit goes out. `local`: to the sockets of this shard alone. */
export type Flags = { readonly volatile?: true; readonly local?: true; readonly timeoutMs?: number };

export type InTurn = (send: () => Promise<void>) => Promise<void>;
export const atOnce: InTurn = (send) => send();

/** What reaches the sockets of the cluster. */
export type ClusterWork = {
  /**
   * Resolves when each room has taken the event; rejects where one has not. The arguments are read at once; `inTurn` calls
   * what sends them when it is its turn.
   */
  readonly publish: (target: Target, args: EventArgs, flags: Flags, inTurn?: InTurn) => Promise<void>;
  /** The answers of all shards, or of this one. Rejects where no shard can be asked. */
  readonly ask: (question: Question, flags: Flags) => Promise<readonly PromiseSettledResult<unknown>[]>;
  /** Runs a callback of the application, after its event; a failure is logged. */
  readonly run: (event: string, callback: () => unknown) => void;
};

/** The characters of all answers to one question, of which each shard has its part; a Worker has 128 MB. */
export const MOST_CHARS = 33_554_432;

/**
 * Emits to the sockets of rooms and commands them, as `io.to(...)` does in the package `socket.io`. Each method that
 * chooses answers with a new one.
 */
export class Broadcaster<Emit extends Events, Data> {
  readonly #work: ClusterWork;
  readonly #target: Target;
  readonly #flags: Flags;

  constructor(work: ClusterWork, target: Target, flags: Flags = {}) {
    this.#work = work;
    this.#target = target;
    this.#flags = flags;
  }

  /** Adds rooms; a socket in several of them gets an event once. The id of a socket is a room of its own. */
  to(room: string | readonly string[]): Broadcaster<Emit, Data> {
    return this.#with({ rooms: [...new Set([...this.#target.rooms, ...listOf(room)])] });
  }

  in(room: string | readonly string[]): Broadcaster<Emit, Data> {
    return this.to(room);
  }

  except(room: string | readonly string[]): Broadcaster<Emit, Data> {
    return this.#with({ except: [...new Set([...this.#target.except, ...listOf(room)])] });
  }

  /** Passes over sockets that cannot take an event now (SPEC SO31). */
  get volatile(): Broadcaster<Emit, Data> {
    return new Broadcaster(this.#work, this.#target, { ...this.#flags, volatile: true });
  }

  /** Only the sockets of this shard, for which no other object is called (SPEC SO31). */
  get local(): Broadcaster<Emit, Data> {
    return new Broadcaster(this.#work, this.#target, { ...this.#flags, local: true });
  }

  /** Acknowledgements of the next emit are awaited for so many ms, 60,000 at most and without this. */
  timeout(ms: number): Broadcaster<Emit, Data> {
    return new Broadcaster(this.#work, this.#target, { ...this.#flags, timeoutMs: ms });
  }

  /** Changes nothing: the platform compresses a connection, or does not. */
  compress(_isWanted: boolean): Broadcaster<Emit, Data> {
    return this;
  }

  /**
   * Resolves when the rooms have taken the event. Rejects where one did not answer, or the event is too large. A function
   * as the last argument gets an error or null, and the answers of all clients that have come (SPEC SO32).
   */
  emit<Name extends NameOf<Emit>>(event: Name, ...args: ManyArgsOf<Emit, Name>): Promise<void> {
    const [ack, rest] = splitAck(args);
    const sent = checkArgs([event, ...rest]);
    if (ack === undefined) return quiet(this.#work.publish(this.#target, sent, this.#flags));
    const gathered = this.#gather(sent);
    return quiet(gathered.then(({ error, answers }) => this.#work.run(event, () => ack(error, answers))));
  }

  /** The answers of all clients. Rejects where one has not answered in time; the error has `responses`. */
  async emitWithAck<Name extends NameOf<Emit>>(
    event: Name,
    ...args: SentArgsOf<Emit, Name>
  ): Promise<AnswerOf<Emit, Name>[]> {
    const { error, answers } = await this.#gather(checkArgs([event, ...args]));
    if (error !== null) throw Object.assign(error, { responses: answers });
    return answers as AnswerOf<Emit, Name>[];
  }

  /** The sockets of the target, as they are now. Rejects where their shards have too much to tell: name rooms then. */
  async fetchSockets(): Promise<RemoteSocket<Emit, Data>[]> {
    const question = { kind: "fetch", ...this.#target, chars: MOST_CHARS } as const;
    const answers = allOf(await this.#work.ask(question, this.#flags)) as SocketFacts[][];
    const { nsp } = this.#target;
    return answers.flat().map((facts) => {
      const target = { nsp, rooms: [facts.id], except: [] };
      return new RemoteSocket<Emit, Data>(facts, new Broadcaster<Emit, Data>(this.#work, target));
    });
  }

  /** Resolves when the sockets are in the rooms. Rejects where one of them could not join. */
  socketsJoin(room: string | readonly string[]): Promise<void> {
    return this.#command({ kind: "join", ...this.#target, to: listOf(room) });
  }

  socketsLeave(room: string | readonly string[]): Promise<void> {
    return this.#command({ kind: "leave", ...this.#target, to: listOf(room) });
  }

  /** Ends the sockets; their clients do not come back by themselves. `close`: ends their connections, too. */
  disconnectSockets(close = false): Promise<void> {
    return this.#command({ kind: "disconnect", ...this.#target, close });
  }

  #command(question: Question): Promise<void> {
    return quiet(this.#work.ask(question, this.#flags).then((results) => void allOf(results)));
  }

  async #gather(args: EventArgs): Promise<Sum> {
    const { volatile, timeoutMs = MOST_WAIT_MS } = this.#flags;
    const ackId = newSharedId();
    const message = encodeMessage(this.#target.nsp, args, {
      id: ackId,
      ...(volatile === undefined ? {} : { volatile }),
    });
    const bounds = { timeoutMs: Math.min(timeoutMs, MOST_WAIT_MS), chars: MOST_CHARS };
    const question = { kind: "gather", ...this.#target, message, ackId, ...bounds } as const;
    return sumOf(await this.#work.ask(question, this.#flags));
  }

  #with(change: Partial<Target>): Broadcaster<Emit, Data> {
    return new Broadcaster(this.#work, { ...this.#target, ...change }, this.#flags);
  }
}

/** The answers of all shards. Throws where one has not answered. */
export const allOf = (results: readonly PromiseSettledResult<unknown>[]): unknown[] =>
  results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });

/** A handler need not wait for it; a failure is logged where it happens. */
export function quiet(work: Promise<void>): Promise<void> {
  work.catch(() => undefined);
  return work;
}

/** The names of rooms. As in a stock server, a number may name one. Throws for anything else. */
export const listOf = (room: string | readonly string[]): readonly string[] =>
  (typeof room === "object" ? [...room] : [room]).map(nameOfRoom);

/** Throws for what is no name. */
export function nameOfRoom(room: unknown): string {
  if (typeof room === "string" || typeof room === "number") return String(room);
  throw new InputError(`a room is named by a text, not by ${room === null ? "null" : typeof room}`);
}

/** The arguments of an event for clients. Throws for a name that clients refuse, and for a function. */
export function checkArgs(args: EventArgs): EventArgs {
  const name: unknown = args[0];
  if (!isEventName(name)) throw new InputError(`"${String(name)}" is a reserved event name`);
  if (args.some((arg) => typeof arg === "function"))
    throw new InputError("an event takes one function, as its last argument");
  return args;
}

type Ack = (...answer: unknown[]) => unknown;

/** The acknowledgement, if the last argument is one, and the other arguments. */
export function splitAck(args: readonly unknown[]): readonly [Ack | undefined, readonly unknown[]] {
  const last = args.at(-1);
  return typeof last === "function" ? [last as Ack, args.slice(0, -1)] : [undefined, args];
}
