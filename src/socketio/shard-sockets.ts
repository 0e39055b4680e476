import type { Connections } from "../shard/connections/connections.ts";
import type { Session } from "../shard/connections/session.ts";
import type { Target } from "./broadcaster.ts";
import type { AnySocket, Client } from "./client.ts";
import { framesOf } from "./message.ts";
import type { Namespaces } from "./namespaces.ts";
import { decodeQuestion, encodeSockets, type RemoteSocket } from "./question.ts";
import type { SocketIndex } from "./socket-index.ts";
import { memberOf } from "./state.ts";
import { isIn, type SocketWire } from "./wire.ts";

export type ShardSocketsParts = {
  readonly connections: Connections;
  readonly wire: SocketWire;
  readonly clientOf: (session: Session) => Client;
  readonly namespaces: Namespaces;
  readonly index: SocketIndex;
};

/** The sockets of one shard, for questions from elsewhere. */
export class ShardSockets {
  readonly #parts: ShardSocketsParts;

  constructor(parts: ShardSocketsParts) {
    this.#parts = parts;
  }

  async answer(text: string): Promise<string> {
    const { connections, index, namespaces, wire } = this.#parts;
    const question = decodeQuestion(text);
    const { nsp } = question;
    if (question.kind === "emit") {
      const session = index.find(question.id);
      if (session === undefined || session.ended) return "false";
      if (wire.isFor(session, nsp, question.message)) connections.send(session, framesOf(question.message));
      return "true";
    }
    const chosen = this.#select(question);
    switch (question.kind) {
      case "fetch":
        return encodeSockets(remoteSockets(chosen));
      case "join":
        await Promise.all(chosen.map(({ socket }) => socket.join(question.to)));
        return "null";
      case "leave":
        for (const { socket } of chosen) for (const room of question.to) socket.leave(room);
        return "null";
      case "disconnect":
        for (const { client } of chosen) namespaces.disconnect(client, nsp, question);
        return "null";
    }
  }

  #select({ nsp, rooms, except }: Target): { readonly client: Client; readonly socket: AnySocket }[] {
    const selected: { readonly client: Client; readonly socket: AnySocket }[] = [];
    for (const session of this.#parts.connections.sessions) {
      const member = memberOf(session, nsp);
      if (member === undefined) continue;
      const isInOne = (names: readonly string[]): boolean =>
        names.some((room) => room === member.id || isIn(session, nsp, room));
      if (isInOne(except) || (rooms.length > 0 && !isInOne(rooms))) continue;
      const client = this.#parts.clientOf(session);
      const socket = client.socket(nsp);
      if (socket !== undefined) selected.push({ client, socket });
    }
    return selected;
  }
}

function* remoteSockets(chosen: readonly { readonly socket: AnySocket }[]): Generator<RemoteSocket> {
  for (const { socket } of chosen) {
    const { id, rooms, data } = socket;
    yield { id, rooms: [...rooms], data };
  }
}
