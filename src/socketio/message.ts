import { decodeBase64, encodeBase64, type EngineFrame } from "./engine.ts";
import { encodePacket, type EventArgs } from "./packets.ts";

/** An event on its way to the sockets of a room, as the data of a publication or a part of a question. */
export type Message = {
  /** The text frame of the event, encoded once by its sender. */
  readonly text: string;
  /** Its attachments, as base64. */
  readonly attachments?: readonly string[];
  /** Sockets in one of these rooms do not get it. The id of a socket is a room, too. */
  readonly except?: readonly string[];
  /** Several rooms get the event, and a socket in more than one of them gets it once. */
  readonly union?: string;
  /** Not for a socket that has much unread. */
  readonly volatile?: true;
  /** When its sender sent it; each of one object is greater than the one before. Only where sockets may be recovered. */
  readonly stamp?: number;
};

/** `id`: of the acknowledgement that is awaited. Throws where JSON cannot hold the arguments. */
export function encodeMessage(
  nsp: string,
  args: EventArgs,
  { id, ...how }: Pick<Message, "except" | "union" | "volatile" | "stamp"> & { readonly id?: number },
): Message {
  const [text, ...attachments] = encodePacket({ kind: "event", nsp, args, id });
  return {
    text,
    ...(attachments.length === 0 ? {} : { attachments: attachments.map(toBase64) }),
    ...how,
  };
}

export const framesOf = ({ text, attachments = [] }: Message): readonly EngineFrame[] => [
  text,
  ...attachments.map((one) => decodeBase64(one) ?? new Uint8Array()),
];

const toBase64 = (frame: EngineFrame): string =>
  encodeBase64(typeof frame === "string" ? new TextEncoder().encode(frame) : frame);

/** The event that a publication of a room carries. */
export const messageOf = (body: string): Message => (JSON.parse(body) as { readonly data: Message }).data;

/** A clock that was set back further is believed; the stamps before are then of another time (SPEC SM1). */
const SET_BACK_US = 1_000_000;
let lastStamp = 0;

/** Microseconds since 1970, and later than every one before: the clock stands still while a turn runs. */
export function nextStamp(): number {
  const now = Date.now() * 1_000;
  lastStamp = now < lastStamp - SET_BACK_US ? now : Math.max(now, lastStamp + 1);
  return lastStamp;
}
