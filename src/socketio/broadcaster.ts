import { isEventName, type EventArgs } from "./packets.ts";
import type { Events, NameOf, SentArgsOf } from "./types.ts";

/** The sockets that an emit is for: those in one of the rooms, or all of the namespace without a room. */
export type Target = {
  readonly nsp: string;
  readonly rooms: readonly string[];
  readonly except: readonly string[];
};

/** An event for many sockets. Resolves when each channel has taken it; rejects where one has not. */
export type Publish = (target: Target, args: EventArgs, how: { readonly volatile: boolean }) => Promise<void>;

/** Emits to the sockets of rooms, as `io.to(...)` does in the package `socket.io`. Each call answers with a new one. */
export class Broadcaster<Emit extends Events> {
  readonly #publish: Publish;
  readonly #target: Target;
  readonly #isVolatile: boolean;

  constructor(publish: Publish, target: Target, { volatile = false }: { readonly volatile?: boolean } = {}) {
    this.#publish = publish;
    this.#target = target;
    this.#isVolatile = volatile;
  }

  /** Adds rooms; a socket in several of them gets an event once. The id of a socket is a room of its own. */
  to(room: string | readonly string[]): Broadcaster<Emit> {
    return this.#with({ rooms: [...new Set([...this.#target.rooms, ...listOf(room)])] });
  }

  in(room: string | readonly string[]): Broadcaster<Emit> {
    return this.to(room);
  }

  except(room: string | readonly string[]): Broadcaster<Emit> {
    return this.#with({ except: [...new Set([...this.#target.except, ...listOf(room)])] });
  }

  /** Passes over sockets that have much unread. */
  get volatile(): Broadcaster<Emit> {
    return new Broadcaster(this.#publish, this.#target, { volatile: true });
  }

  /** Resolves when the rooms have taken the event. Rejects where one did not answer, or the event is too large. */
  emit<Name extends NameOf<Emit>>(event: Name, ...args: SentArgsOf<Emit, Name>): Promise<void> {
    const sent = this.#publish(this.#target, checkArgs([event, ...args]), { volatile: this.#isVolatile });
    // A handler need not wait for it; a failure is logged where it happens.
    sent.catch(() => undefined);
    return sent;
  }

  #with(change: Partial<Target>): Broadcaster<Emit> {
    return new Broadcaster(this.#publish, { ...this.#target, ...change }, { volatile: this.#isVolatile });
  }
}

export const listOf = (room: string | readonly string[]): readonly string[] =>
  typeof room === "string" ? [room] : room;

/** The arguments of an event for clients. Throws for a name that clients refuse, and for a function. */
export function checkArgs(args: EventArgs): EventArgs {
  const name: unknown = args[0];
  if (!isEventName(name)) throw new Error(`"${String(name)}" is a reserved event name`);
  if (args.some((arg) => typeof arg === "function"))
    throw new Error("only an event for one socket takes a function, as its last argument");
  return args;
}
