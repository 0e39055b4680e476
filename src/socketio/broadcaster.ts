import { isEventName, type EventArgs } from "./packets.ts";
import type { Question, SocketFacts, Target } from "./question.ts";
import { RemoteSocket } from "./remote-socket.ts";
import type { Events, ManyArgsOf, NameOf } from "./types.ts";

/** How an emit goes out. `local`: to the sockets of this shard alone. */
export type Flags = { readonly volatile?: true; readonly local?: true };

/** What reaches the sockets of the cluster. */
export type ClusterWork = {
  /** Resolves when each room has taken the event; rejects where one has not. */
  readonly publish: (target: Target, args: EventArgs, flags: Flags) => Promise<void>;
  /** The answers of all shards, or of this one; rejects where one does not answer. */
  readonly ask: (question: Question, flags: Flags) => Promise<readonly unknown[]>;
};

/** The characters of all answers to `fetchSockets`, of which each shard has its part; a Worker has 128 MB. */
const FETCHED_CHARS = 33_554_432;

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

  /** Changes nothing: the platform compresses a connection, or does not. */
  compress(_isWanted: boolean): Broadcaster<Emit, Data> {
    return this;
  }

  /** Resolves when the rooms have taken the event. Rejects where one did not answer, or the event is too large. */
  emit<Name extends NameOf<Emit>>(event: Name, ...args: ManyArgsOf<Emit, Name>): Promise<void> {
    return quiet(this.#work.publish(this.#target, checkArgs([event, ...args]), this.#flags));
  }

  /** The sockets of the target, as they are now. Rejects where their shards have too much to tell: name rooms then. */
  async fetchSockets(): Promise<RemoteSocket<Emit, Data>[]> {
    const question = { kind: "fetch", ...this.#target, chars: FETCHED_CHARS } as const;
    const answers = (await this.#work.ask(question, this.#flags)) as SocketFacts[][];
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
    return quiet(this.#work.ask(question, this.#flags).then(() => undefined));
  }

  #with(change: Partial<Target>): Broadcaster<Emit, Data> {
    return new Broadcaster(this.#work, { ...this.#target, ...change }, this.#flags);
  }
}

/** A handler need not wait for it; a failure is logged where it happens. */
function quiet(work: Promise<void>): Promise<void> {
  work.catch(() => undefined);
  return work;
}

export const listOf = (room: string | readonly string[]): readonly string[] =>
  typeof room === "string" ? [room] : room;

/** The arguments of an event for clients. Throws for a name that clients refuse, and for a function. */
export function checkArgs(args: EventArgs): EventArgs {
  const name: unknown = args[0];
  if (!isEventName(name)) throw new Error(`"${String(name)}" is a reserved event name`);
  if (args.some((arg) => typeof arg === "function"))
    throw new Error("an event takes one function, as its last argument");
  return args;
}
