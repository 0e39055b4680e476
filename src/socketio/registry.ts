import type { DisconnectReason } from "./codes.ts";
import { fullName } from "./namespace.ts";
import type { Socket } from "./socket.ts";
import type { AnyData, AnyEvents, ArgsOf, Events, NameOf } from "./types.ts";

/** An error whose `data` the client of a refused connection gets beside its message. */
export type RefusalError = Error & { readonly data?: unknown };

export type Middleware<S> = (socket: S, next: (error?: RefusalError | null) => void) => unknown;
type Handler = (...args: never[]) => unknown;

/** The handlers of one namespace, as they are stored. */
export type Handlers = {
  readonly middlewares: readonly Middleware<never>[];
  handlersFor(event: string): readonly Handler[];
};

/**
 * The handlers of a namespace. They belong to the namespace and not to a socket, so that they are there after a sleep;
 * each gets the socket as its first argument.
 */
export class NamespaceHandlers<
  Listen extends Events = AnyEvents,
  Emit extends Events = Listen,
  ServerSide extends Events = AnyEvents,
  Data = AnyData,
> implements Handlers {
  readonly name: string;
  readonly middlewares: Middleware<never>[] = [];
  readonly #handlers = new Map<string, Handler[]>();

  constructor(name: string) {
    this.name = name;
  }

  /** Asked about each connection, one after the other. An error that is given to `next` refuses it. */
  use(middleware: Middleware<Socket<Listen, Emit, ServerSide, Data>>): this {
    this.middlewares.push(middleware);
    return this;
  }

  /** `connection` runs once for each connection, and not again after a sleep. */
  on(
    event: "connection" | "connect",
    handler: (socket: Socket<Listen, Emit, ServerSide, Data>) => unknown,
  ): this;
  on(
    event: "disconnect" | "disconnecting",
    handler: (socket: Socket<Listen, Emit, ServerSide, Data>, reason: DisconnectReason) => unknown,
  ): this;
  on<Name extends NameOf<Listen>>(
    event: Name,
    handler: (socket: Socket<Listen, Emit, ServerSide, Data>, ...args: ArgsOf<Listen, Name>) => unknown,
  ): this;
  on(event: string, handler: (...args: never[]) => unknown): this {
    const name = event === "connect" ? "connection" : event;
    const handlers = this.#handlers.get(name) ?? [];
    handlers.push(handler);
    this.#handlers.set(name, handlers);
    return this;
  }

  handlersFor(event: string): readonly Handler[] {
    return this.#handlers.get(event) ?? [];
  }
}

/** The server as a deployment describes it: `io` in `createRingcast({ socketio: (io) => ... })`. It is the namespace `/`. */
export class ServerHandlers<
  Listen extends Events = AnyEvents,
  Emit extends Events = Listen,
  ServerSide extends Events = AnyEvents,
  Data = AnyData,
>
  extends NamespaceHandlers<Listen, Emit, ServerSide, Data>
  implements AllHandlers
{
  readonly #namespaces = new Map<string, Handlers>();

  constructor() {
    super("/");
    this.#namespaces.set("/", this);
  }

  /** The handlers of a namespace, which exists from then on. */
  of<
    Listen extends Events = AnyEvents,
    Emit extends Events = Listen,
    ServerSide extends Events = AnyEvents,
    Data = AnyData,
  >(name: string): NamespaceHandlers<Listen, Emit, ServerSide, Data> {
    const full = fullName(name);
    const known = this.#namespaces.get(full);
    if (known !== undefined) return known as NamespaceHandlers<Listen, Emit, ServerSide, Data>;
    const added = new NamespaceHandlers<Listen, Emit, ServerSide, Data>(full);
    this.#namespaces.set(full, added);
    return added;
  }

  handlersOf(nsp: string): Handlers | undefined {
    return this.#namespaces.get(nsp);
  }
}

/** The handlers of all namespaces. */
export type AllHandlers = { handlersOf(nsp: string): Handlers | undefined };
