import type { Config } from "../config/config.ts";
import { MOST_LEVELS, findPart } from "../contracts/json-text.ts";
import {
  encodePublication,
  readForFront,
  type ClientEvent,
  type ClientInfo,
} from "../contracts/publication.ts";
import { namespaceOf, parseChannel, splitName } from "../policy/channels.ts";
import type { Session } from "../shard/connections/session.ts";
import { decodeBase64, encodeBase64 } from "./engine.ts";
import { InputError } from "./input-error.ts";
import type { Message } from "./message.ts";
import { isClosed, roomChannel, SHARED_NSP, shardOfSocket } from "./names.ts";
import { bytesOf, isEventName, MOST_ATTACHMENTS, type EventArgs } from "./packets.ts";
import { memberOf, type Member } from "./state.ts";

/**
 * Rooms that are channels of other clients, too (SPEC SO50): those of the main namespace whose names are channels of a
 * namespace with `socketio: true`.
 */

/** The channel of a room. Throws where the name is too long, or is none that the channel may have. */
export function channelOfRoom(config: Config, nsp: string, room: string): string {
  const { channelBytes } = config.cluster.limits;
  const shown = `${room.slice(0, 40)}${room.length > 40 ? "..." : ""}`;
  if (nsp === SHARED_NSP && namespaceOf(config, splitName(room))?.socketio === true) {
    if (parseChannel(room, channelBytes).ok) return room;
    throw new InputError(
      `the room ${shown} is shared with other clients: its name has at most ${channelBytes} characters, all of them printable ASCII`,
    );
  }
  const channel = roomChannel(nsp, room);
  if (channel.length > channelBytes) throw new InputError(`the name of the room ${shown} is too long`);
  return channel;
}

/** The same for a socket that wants to join it. Throws for the id of a socket, too. */
export function channelToJoin(config: Config, nsp: string, room: string): string {
  if (shardOfSocket(room) !== undefined)
    throw new InputError("no socket joins the room of another socket's id");
  return channelOfRoom(config, nsp, room);
}

/** Whether a channel that a socket listens to is a shared room. */
export const isShared = (channel: string): boolean => !isClosed(channel);

/** A socket as the clients of a shared room see it (SPEC SO52). */
export function describeMember(session: Session): ClientInfo | undefined {
  const member = memberOf(session, SHARED_NSP);
  return member === undefined ? undefined : describeSocket(member);
}

export function describeSocket(member: Member): ClientInfo {
  const { user } = (member.data ?? {}) as { readonly user?: unknown };
  const isNamed = (typeof user === "string" && user !== "") || Number.isFinite(user);
  return { user: isNamed ? String(user) : member.id, client: member.id };
}

/** The parts of a message that only sockets heed. */
type ForSockets = Pick<Message, "except" | "union" | "volatile" | "stamp">;

/** The body of the publication that an event for a shared room is. Throws where JSON cannot hold the arguments. */
export function encodeShared([event, ...args]: EventArgs, forFront: ForSockets): string {
  const json = JSON.stringify({ event, args }, replaceBytes);
  // Readers of other systems fail on a text that is nested deeper (SPEC CE5).
  if ((findPart(json, [])?.levels ?? 0) > MOST_LEVELS)
    throw new InputError(`an event has at most ${MOST_LEVELS} levels of lists and objects`);
  return encodePublication({ json, forFront });
}

/** `value` is what `toJSON` makes of it, and a Buffer has that method. */
function replaceBytes(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const given = this[key];
  return isBinary(given) ? { $binary: encodeBase64(bytesOf(given)) } : value;
}

/** A value whose binary data are `{"$binary": base64}`, as JSON holds them. */
export const bytesAsJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value, replaceBytes));

/** An event for the sockets of a shared room, from a publication of any client or back end. */
export type SharedEvent = ForSockets & { readonly args: EventArgs };

/**
 * Reads a publication as an event (SPEC SO51). `{event, args}` is that event; other data is the event `publication` with
 * the data and what is known of it. Clients would break the connection at an event with a reserved name, and believe a
 * `publication` that says anything of its publisher.
 */
export function readShared(
  channel: string,
  event: Extract<ClientEvent, { kind: "pub" | "passing" }>,
  { durable }: { readonly durable: boolean },
): SharedEvent {
  const { data, info, tags } = JSON.parse(event.body) as { data: unknown; info?: unknown; tags?: unknown };
  const forSockets = readForFront(event.body) as ForSockets | undefined;
  if (isEvent(data) && (forSockets !== undefined || data.event !== "publication"))
    return { args: withBytes([data.event, ...data.args]), ...forSockets };
  const meta = {
    channel,
    ...(event.kind === "pub" && durable ? { offset: event.offset } : {}),
    ...(info === undefined ? {} : { info }),
    ...(tags === undefined ? {} : { tags }),
  };
  return { args: withBytes(["publication", data, meta]) };
}

const isEvent = (data: unknown): data is { readonly event: string | number; readonly args: unknown[] } =>
  typeof data === "object" &&
  data !== null &&
  "event" in data &&
  isEventName(data.event) &&
  "args" in data &&
  Array.isArray(data.args);

/**
 * Makes bytes of each `{"$binary": base64}`. The arguments stay as they are where a stock client could not take them: it
 * takes so many attachments, and looks for one wherever an object says that it stands for one.
 */
export function withBytes(args: EventArgs): EventArgs {
  let attachments = 0;
  let isAmbiguous = false;
  const convert = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(convert);
    const bytes = bytesIn(value);
    if (bytes !== undefined) {
      attachments += 1;
      return bytes;
    }
    if ("_placeholder" in value) isAmbiguous = true;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, convert(one)]));
  };
  const [event, ...rest] = args;
  const converted = rest.map(convert);
  return attachments === 0 || attachments > MOST_ATTACHMENTS || isAmbiguous ? args : [event, ...converted];
}

function bytesIn(value: object): Uint8Array<ArrayBuffer> | undefined {
  const [entry, ...others] = Object.entries(value) as [string, unknown][];
  if (entry === undefined || others.length > 0) return undefined;
  const [key, text] = entry;
  return key === "$binary" && typeof text === "string" ? decodeBase64(text) : undefined;
}

const isBinary = (value: unknown): value is ArrayBuffer | ArrayBufferView | Blob =>
  value instanceof ArrayBuffer || ArrayBuffer.isView(value) || value instanceof Blob;
