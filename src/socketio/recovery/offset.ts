import type { Frame } from "../../shard/frame.ts";
import type { Encoded } from "../wire.ts";

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
export const carriesOffset = ({ message, frames: [text] }: Pick<Encoded, "message" | "frames">): boolean =>
  message.volatile !== true && typeof text === "string" && EVENT.test(text);

/** The frames of an event with its offset as the last argument, where stock clients look for it. */
export const withOffset = ([text, ...attachments]: readonly Frame[], offset: Offset): readonly Frame[] => [
  `${String(text).slice(0, -1)},"${encodeOffset(offset)}"]`,
  ...attachments,
];
