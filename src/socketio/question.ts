import type { Handshake } from "./handshake.ts";
import type { Message } from "./message.ts";
import type { TakeRequest } from "./recovery/taken.ts";

/** The sockets that an emit is for: those in one of the rooms, or all of the namespace without a room. */
export type Target = {
  readonly nsp: string;
  readonly rooms: readonly string[];
  readonly except: readonly string[];
};

/** A question to the shards of this front. A release that does not know one answers with an error. */
export type Question =
  /** Sends an event to one socket. The answer: whether it is there. */
  | {
      readonly kind: "emit";
      readonly nsp: string;
      readonly id: string;
      readonly message: Message;
      /** How many shards have passed it on already, for a socket that was recovered elsewhere. */
      readonly hops?: number;
    }
  /** Takes a session to another shard; the answer is {@link Taken}. */
  | ({ readonly kind: "take" } & TakeRequest)
  /** These sockets are on another shard, by its prefix. */
  | { readonly kind: "alias"; readonly nsp: ""; readonly ids: readonly string[]; readonly to: string }
  /** Sends an event to the sockets of a target. */
  | ({ readonly kind: "send"; readonly message: Message } & Target)
  /** Sends it to sockets that each answer it within a time. The answer: {@link Gathered}. */
  | ({
      readonly kind: "gather";
      readonly message: Message;
      readonly ackId: number;
      readonly timeoutMs: number;
      readonly chars: number;
    } & Target)
  /**
   * An event for the handlers of the namespace, with its packed arguments. The answer: packed too, or null where none
   * is awaited, or none came within a time.
   */
  | {
      readonly kind: "serverSide";
      readonly nsp: string;
      readonly args: string;
      readonly timeoutMs: number | null;
    }
  /** The sockets of a target; the answer is a list of {@link SocketFacts} with at most so many characters. */
  | ({ readonly kind: "fetch"; readonly chars: number } & Target)
  | ({ readonly kind: "join" | "leave"; readonly to: readonly string[] } & Target)
  /** `close`: the whole connection. */
  | ({ readonly kind: "disconnect"; readonly close: boolean } & Target);

export const encodeQuestion = (question: Question): string => JSON.stringify(question);
export const decodeQuestion = (text: string): Question => JSON.parse(text) as Question;

/** The answer to `fetch`. Throws where it is too long, before it is made. */
export function encodeSockets(sockets: Iterable<SocketFacts>, chars: number): string {
  const texts: string[] = [];
  let length = 0;
  for (const socket of sockets) {
    const text = JSON.stringify(socket);
    length += text.length + 1;
    if (length > chars)
      throw new Error(`the sockets of a shard have more than ${chars} characters: name rooms`);
    texts.push(text);
  }
  return `[${texts.join(",")}]`;
}

/** A socket somewhere in the cluster, as it was when it was asked about. */
export type SocketFacts = {
  readonly id: string;
  readonly handshake: Handshake;
  readonly rooms: readonly string[];
  readonly data: unknown;
};
