import type { Connections } from "../shard/connections/connections.ts";
import type { Session } from "../shard/connections/session.ts";
import type { Subscriptions } from "../shard/subscriptions/subscriptions.ts";
import type { ClusterWork } from "./broadcaster.ts";
import type { AnySocket, Client } from "./client.ts";
import { Gatherings } from "./gathering.ts";
import { framesOf } from "./message.ts";
import { channelsThatMayBe, namespaceChannel } from "./names.ts";
import type { Namespaces } from "./namespaces.ts";
import { decodeQuestion, encodeSockets, type SocketFacts, type Target } from "./question.ts";
import type { AllHandlers, Handlers } from "./registry.ts";
import { tellServerSide } from "./server-side.ts";
import type { SocketIndex } from "./socket-index.ts";
import type { Recovery } from "./recovery/recovery.ts";
import { memberOf } from "./state.ts";
import { isIn, type SocketWire } from "./wire.ts";

export type ShardSocketsParts = {
  readonly connections: Connections;
  readonly subscriptions: Subscriptions;
  readonly wire: SocketWire;
  readonly clientOf: (session: Session) => Client;
  readonly namespaces: Namespaces;
  readonly server: AllHandlers;
  readonly cluster: ClusterWork;
  readonly index: SocketIndex;
  readonly recovery: Recovery | undefined;
};

/** The sockets of one shard, for questions from elsewhere. */
export class ShardSockets {
  readonly #parts: ShardSocketsParts;
  readonly #gatherings = new Gatherings();

  constructor(parts: ShardSocketsParts) {
    this.#parts = parts;
  }

  async answer(text: string): Promise<string> {
    const { connections, index, namespaces, recovery, wire } = this.#parts;
    const question = decodeQuestion(text);
    if (question.kind === "take" || question.kind === "alias") {
      if (question.kind === "alias") recovery?.keeper.alias(question.ids, question.to);
      else if (recovery !== undefined) return JSON.stringify(recovery.take(question));
      return JSON.stringify({ kind: "none", reason: "this shard recovers no sessions" });
    }
    const { nsp } = question;
    if (question.kind === "emit" && recovery !== undefined) {
      const { id, message, hops } = question;
      return String(await recovery.emitTo(nsp, id, message, hops));
    }
    if (question.kind === "emit") {
      const session = index.find(question.id);
      if (session === undefined || session.ended || memberOf(session, nsp)?.id !== question.id)
        return "false";
      if (wire.isFor(session, nsp, question.message)) connections.send(session, framesOf(question.message));
      return "true";
    }
    if (question.kind === "serverSide")
      return JSON.stringify(await tellServerSide(question, this.#handlersHere(nsp), this.#parts.cluster));
    const chosen = this.#select(question);
    switch (question.kind) {
      case "send": {
        const frames = framesOf(question.message);
        for (const {
          client: { session },
        } of chosen)
          if (recovery !== undefined) recovery.emitToMember(session, nsp, question.message);
          else if (wire.isFor(session, nsp, question.message)) connections.send(session, frames);
        return "null";
      }
      case "gather": {
        const { message } = question;
        const frames = framesOf(message);
        const reached = chosen.filter(({ client }) => wire.isFor(client.session, nsp, message));
        const clients = reached.map(({ client }) => client);
        const gathered = this.#gatherings.gather(clients, question, ({ session }) =>
          connections.send(session, frames),
        );
        return JSON.stringify(await gathered);
      }
      case "fetch":
        return encodeSockets(factsOf(chosen), question.chars);
      case "join":
        await Promise.all(chosen.map(({ socket }) => socket.join(question.to)));
        return "null";
      case "leave":
        await Promise.all(chosen.flatMap(({ socket }) => question.to.map((room) => socket.leave(room))));
        return "null";
      case "disconnect":
        for (const { client } of chosen) namespaces.disconnect(client, nsp, question);
        return "null";
    }
  }

  /** Of a namespace that a function has found, a shard knows the handlers while it has a socket there. */
  #handlersHere(nsp: string): Handlers | undefined {
    const { server, subscriptions } = this.#parts;
    const named = server.handlersOf(nsp);
    if (named !== undefined) return named;
    const [session] = subscriptions.listenersOf(namespaceChannel(nsp));
    const foundBy = session && memberOf(session, nsp)?.foundBy;
    return foundBy === undefined ? undefined : server.handlersOf(nsp, foundBy);
  }

  /** The sockets of a target that have joined their namespace. */
  #select(target: Target): { readonly client: Client; readonly socket: AnySocket }[] {
    const { nsp, except } = target;
    const selected: { readonly client: Client; readonly socket: AnySocket }[] = [];
    for (const session of this.#sessionsOf(target)) {
      const member = memberOf(session, nsp);
      if (member === undefined || session.ended) continue;
      // It is on its way back, and its client does not know yet.
      if (this.#parts.recovery?.gates.isClosed(session, nsp) === true) continue;
      if (except.some((room) => room === member.id || isIn(session, nsp, room))) continue;
      const client = this.#parts.clientOf(session);
      const socket = client.socket(nsp);
      if (socket !== undefined) selected.push({ client, socket });
    }
    return selected;
  }

  #sessionsOf({ nsp, rooms }: Target): ReadonlySet<Session> {
    const { index, subscriptions } = this.#parts;
    if (rooms.length === 0) return subscriptions.listenersOf(namespaceChannel(nsp));
    const sessions = new Set<Session>();
    for (const room of rooms) {
      const one = index.find(room);
      if (one !== undefined && memberOf(one, nsp)?.id === room) sessions.add(one);
      for (const channel of channelsThatMayBe(nsp, room))
        for (const session of subscriptions.listenersOf(channel)) sessions.add(session);
    }
    return sessions;
  }
}

function* factsOf(chosen: readonly { readonly socket: AnySocket }[]): Generator<SocketFacts> {
  for (const { socket } of chosen) {
    const { id, handshake, rooms, data } = socket;
    yield { id, handshake, rooms: [...rooms], data };
  }
}
