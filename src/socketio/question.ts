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

/** A socket somewhere in the cluster, as it was when it was asked about. */
export type RemoteSocket = {
  readonly id: string;
  readonly rooms: readonly string[];
  readonly data: unknown;
};
