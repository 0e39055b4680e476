import type { Message } from "../message.ts";

/** A place in the journal of a shard: the last event that a client has got of it. */
export type Offset = { readonly journalEpoch: string; readonly sequence: number };

/** Short, as each event carries one. */
export const encodeOffset = ({ journalEpoch, sequence }: Offset): string =>
  `${journalEpoch}.${sequence.toString(36)}`;

/** Reads an offset that a client has sent; undefined where a server of ours has never made it. */
export function parseOffset(text: string): Offset | undefined {
  const [, journalEpoch = "", digits = ""] = /^([\w-]{8})\.([0-9a-z]{1,10})$/.exec(text) ?? [];
  return digits === "" ? undefined : { journalEpoch, sequence: Number.parseInt(digits, 36) };
}

/** The text of an event, binary or not, that asks for no acknowledgement. */
const EVENT = /^4(?:2|5\d+-)(?:\/[^,]*,)?\[/;

/** Whether clients are told an offset with an event: not where it is volatile, or asks for an acknowledgement. */
export const carriesOffset = ({ text, volatile }: Pick<Message, "text" | "volatile">): boolean =>
  volatile !== true && EVENT.test(text);

/** The text of an event with its offset as the last argument, where stock clients look for it. */
export const withOffset = (text: string, offset: Offset): string =>
  `${text.slice(0, -1)},"${encodeOffset(offset)}"]`;
