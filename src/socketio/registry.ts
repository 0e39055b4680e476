import type { DisconnectReason } from "./codes.ts";
import { fullName, type Namespace } from "./namespace.ts";
import type { Socket } from "./socket.ts";
import type { AnyData, AnyEvents, ArgsOf, Events, NameOf } from "./types.ts";

/** An error whose `data` the client of a refused connection gets beside its message. */
export type RefusalError = Error & { readonly data?: unknown };

type Next = (error?: RefusalError | null) => void;
export type Middleware<S> = (socket: S, next: Next) => unknown;
/** `packet`: the name of the event, its arguments, and a function last where the client awaits an answer. */
export type PacketMiddleware<S> = (
  socket: S,
  packet: readonly [event: string | number, ...args: unknown[]],
  next: Next,
) => unknown;
type Handler = (...args: never[]) => unknown;

/** The handlers of one namespace, as they are stored. */
export type Handlers = {
  readonly middlewares: readonly Middleware<never>[];
  readonly packetMiddlewares: readonly PacketMiddleware<never>[];
  readonly anyHandlers: readonly Handler[];
  handlersFor(event: string): readonly Handler[];
  serverSideFor(event: string): readonly Handler[];
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
  /** For namespaces that a pattern or a function finds: the text of it. */
  readonly name: string;
  readonly middlewares: Middleware<never>[] = [];
  readonly packetMiddlewares: PacketMiddleware<never>[] = [];
  readonly anyHandlers: Handler[] = [];
  readonly #handlers = new Map<string, Handler[]>();
  readonly #serverSide = new Map<string, Handler[]>();

  constructor(name: string) {
    this.name = name;
  }

  /** Asked about each connection, one after the other. An error that is given to `next` refuses it. */
  use(middleware: Middleware<Socket<Listen, Emit, ServerSide, Data>>): this {
    this.middlewares.push(middleware);
    return this;
  }

  /**
   * Asked about each event of a client before its handlers, as a stock server's `socket.use`. An error that is given to
   * `next` goes to the handlers of `error` instead.
   */
  usePacket(middleware: PacketMiddleware<Socket<Listen, Emit, ServerSide, Data>>): this {
    this.packetMiddlewares.push(middleware);
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
  /** A middleware of `usePacket` has refused an event. As in a stock server, a client may send such an event, too. */
  on(
    event: "error",
    handler: (socket: Socket<Listen, Emit, ServerSide, Data>, error: Error) => unknown,
  ): this;
  on<Name extends NameOf<Listen>>(
    event: Name,
    handler: (socket: Socket<Listen, Emit, ServerSide, Data>, ...args: ArgsOf<Listen, Name>) => unknown,
  ): this;
  on(event: string, handler: Handler): this {
    add(this.#handlers, event === "connect" ? "connection" : event, handler);
    return this;
  }

  /** Hears every event of clients, before the handlers of its name, as a stock server's `socket.onAny`. */
  onAny(
    handler: (
      socket: Socket<Listen, Emit, ServerSide, Data>,
      event: string | number,
      ...args: AnyData[]
    ) => unknown,
  ): this {
    this.anyHandlers.push(handler);
    return this;
  }

  /**
   * Hears `serverSideEmit` of other shards and of other code of the Worker. In a stock server it is `io.on`; here no
   * client can send such an event. A shard that has slept is woken for it.
   */
  onServerSide<Name extends NameOf<ServerSide>>(
    event: Name,
    handler: (nsp: Namespace<Emit, ServerSide, Data>, ...args: ArgsOf<ServerSide, Name>) => unknown,
  ): this {
    add(this.#serverSide, event, handler);
    return this;
  }

  handlersFor(event: string): readonly Handler[] {
    return this.#handlers.get(event) ?? [];
  }

  serverSideFor(event: string): readonly Handler[] {
    return this.#serverSide.get(event) ?? [];
  }
}

function add(all: Map<string, Handler[]>, event: string, handler: Handler): void {
  const handlers = all.get(event) ?? [];
  handlers.push(handler);
  all.set(event, handlers);
}

/** Decides whether a namespace exists for a client: `next(null, true)`. */
export type NamespaceFunction = (
  name: string,
  auth: Readonly<Record<string, AnyData>>,
  next: (error: Error | null, exists: boolean) => void,
) => unknown;

/** Namespaces whose names are not known before. `key` stays the same in each life of a shard. */
type Dynamic = {
  readonly key: string;
  readonly exists: NamespaceFunction;
  readonly pattern?: RegExp;
  readonly handlers: Handlers;
};

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
  readonly #dynamic: Dynamic[] = [];

  constructor() {
    super("/");
    this.#namespaces.set("/", this);
  }

  /**
   * The handlers of a namespace, which exists from then on; or of all namespaces whose name fits a pattern, or for which a
   * function says so at each connection (SPEC SO30).
   */
  of<
    Listen extends Events = AnyEvents,
    Emit extends Events = Listen,
    ServerSide extends Events = AnyEvents,
    Data = AnyData,
  >(name: string | RegExp | NamespaceFunction): NamespaceHandlers<Listen, Emit, ServerSide, Data> {
    if (typeof name !== "string") return this.#addDynamic(name);
    const full = fullName(name);
    const known = this.#namespaces.get(full);
    if (known !== undefined) return known as NamespaceHandlers<Listen, Emit, ServerSide, Data>;
    const added = new NamespaceHandlers<Listen, Emit, ServerSide, Data>(full);
    this.#namespaces.set(full, added);
    return added;
  }

  handlersOf(nsp: string, key?: string): Handlers | undefined {
    if (key !== undefined) return this.#dynamic.find((one) => one.key === key)?.handlers;
    return (
      this.#namespaces.get(nsp) ?? this.#dynamic.find(({ pattern }) => pattern?.test(nsp) === true)?.handlers
    );
  }

  get dynamic(): readonly Pick<Dynamic, "key" | "exists">[] {
    return this.#dynamic;
  }

  has(nsp: string): boolean {
    return this.#namespaces.has(nsp);
  }

  #addDynamic<Listen extends Events, Emit extends Events, ServerSide extends Events, Data>(
    matcher: RegExp | NamespaceFunction,
  ): NamespaceHandlers<Listen, Emit, ServerSide, Data> {
    const isPattern = matcher instanceof RegExp;
    if (isPattern && (matcher.global || matcher.sticky))
      throw new Error("stateful regular expressions are not supported");
    const functions = this.#dynamic.filter(({ pattern }) => pattern === undefined).length;
    const key = isPattern ? String(matcher) : `#${functions + 1}`;
    const handlers = new NamespaceHandlers<Listen, Emit, ServerSide, Data>(key);
    this.#dynamic.push(
      isPattern
        ? { key, pattern: matcher, exists: (name, _, next) => next(null, matcher.test(name)), handlers }
        : { key, exists: matcher, handlers },
    );
    return handlers;
  }
}

/** The handlers of all namespaces. */
export type AllHandlers = {
  /** Of a namespace that was named or fits a pattern; `key`: of the pattern or function that has found it. */
  handlersOf(nsp: string, key?: string): Handlers | undefined;
  /** Whether a namespace was named. */
  has(nsp: string): boolean;
  /** The patterns and functions, in the order of their registration. */
  readonly dynamic: readonly Pick<Dynamic, "key" | "exists">[];
};
