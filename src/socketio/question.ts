import type { Target } from "./broadcaster.ts";
import type { Message } from "./message.ts";

/** A question to the shards of this front. A release that does not know one answers with an error. */
export type Question =
  /** Sends an event to one socket. The answer: whether it is there. */
  | { readonly kind: "emit"; readonly nsp: string; readonly id: string; readonly message: Message }
  /** The sockets of a target; the answer is a list of {@link RemoteSocket}. */
  | ({ readonly kind: "fetch" } & Target)
  | ({ readonly kind: "join" | "leave"; readonly to: readonly string[] } & Target)
  /** `close`: the whole connection. */
  | ({ readonly kind: "disconnect"; readonly close: boolean } & Target);

export const encodeQuestion = (question: Question): string => JSON.stringify(question);
export const decodeQuestion = (text: string): Question => JSON.parse(text) as Question;

/** The longest answer: a call between objects holds 32 MiB, and a shard 128 MB. */
const ANSWER_CHARS = 8_388_608;

/** The answer to `fetch`. Throws where it is too long, before it is made. */
export function encodeSockets(sockets: Iterable<RemoteSocket>): string {
  const texts: string[] = [];
  let length = 0;
  for (const socket of sockets) {
    const text = JSON.stringify(socket);
    length += text.length + 1;
    if (length > ANSWER_CHARS)
      throw new Error(`the sockets of a shard have more than ${ANSWER_CHARS} characters: name rooms`);
    texts.push(text);
  }
  return `[${texts.join(",")}]`;
}

/** A socket somewhere in the cluster, as it was when it was asked about. */
export type RemoteSocket = {
  readonly id: string;
  readonly rooms: readonly string[];
  readonly data: unknown;
};
