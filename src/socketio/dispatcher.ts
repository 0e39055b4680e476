import { within } from "../platform/calls.ts";
import type { Core } from "../shard/front.ts";
import type { AnySocket, Client } from "./client.ts";
import { encodePacket, type SocketPacket } from "./packets.ts";
import type { AllHandlers, Handlers, RefusalError } from "./registry.ts";
import { isThenable } from "./running.ts";

type EventPacket = Extract<SocketPacket, { kind: "event" }>;
type AskNext = (next: (error?: RefusalError | null) => void) => unknown;

/** Gives the events of clients to the handlers of their namespace. */
export class Dispatcher {
  readonly #core: Core;
  readonly #server: AllHandlers;

  constructor(core: Core, server: AllHandlers) {
    this.#core = core;
    this.#server = server;
  }

  /** The handlers of a namespace that a client has joined. */
  handlersOf(client: Client, nsp: string): Handlers | undefined {
    return this.#server.handlersOf(nsp, client.state.members.get(nsp)?.foundBy);
  }

  /** Runs the handlers of one event. */
  tell(
    client: Client,
    { nsp, event, handlers }: { readonly nsp: string; readonly event: string; readonly handlers?: Handlers },
    args: readonly unknown[],
  ): void {
    const all = handlers ?? this.handlersOf(client, nsp);
    for (const handler of all?.handlersFor(event) ?? [])
      client.run(nsp, event, () => handler(...(args as never[])));
  }

  /** An event of a client. Those of one client come in their order, however many middlewares they pass. */
  receive(client: Client, socket: AnySocket, { nsp, args: [name, ...args], id }: EventPacket): void {
    // The one name of a connection's life that clients may send, too.
    if (name === "connection") return;
    const event = String(name);
    const given = id === undefined ? args : [...args, this.#ackOf(client, nsp, id)];
    const { anyHandlers = [], packetMiddlewares = [] } = this.handlersOf(client, nsp) ?? {};
    for (const handler of anyHandlers)
      client.run(nsp, event, () => handler(...([socket, name, ...given] as never[])));
    if (packetMiddlewares.length === 0) return this.tell(client, { nsp, event }, [socket, ...given]);
    const { hookTimeoutMs } = this.#core.config.cluster.times;
    client.run(nsp, event, async () => {
      let refusal: Error | undefined;
      for (const middleware of packetMiddlewares) {
        const ask: AskNext = (next) => middleware(socket as never, [name, ...given], next);
        refusal ??= await within(hookTimeoutMs, answerOf(ask));
      }
      // It may have left while a middleware took its time.
      if (client.socket(nsp) !== socket) return;
      if (refusal === undefined) this.tell(client, { nsp, event }, [socket, ...given]);
      else this.tell(client, { nsp, event: "error" }, [socket, refusal]);
    });
  }

  /** Sends the answer to an event, once. */
  #ackOf(client: Client, nsp: string, id: number): (...args: unknown[]) => void {
    let isSent = false;
    return (...args) => {
      if (isSent || !client.state.members.has(nsp)) return;
      // It throws where no JSON holds the answer; the handler may give another one.
      const packet = encodePacket({ kind: "ack", nsp, args, id });
      isSent = true;
      this.#core.connections.send(client.session, packet);
    };
  }
}

/**
 * Resolves when a middleware calls `next`, with the error that it gives. As in a stock server, `next(false)` and the like
 * give none: `next(!isKnown && new Error("..."))`. Rejects where it fails.
 */
export function answerOf(ask: AskNext): Promise<RefusalError | undefined> {
  return new Promise((resolve, reject) => {
    const result = ask((error) => resolve(error || undefined));
    if (isThenable(result)) result.then(undefined, reject);
  });
}
