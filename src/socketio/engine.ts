/**
 * Engine.IO 4: the packets that carry Socket.IO (engine.io-protocol, revision 4). A WebSocket frame holds one packet,
 * a polling body several. A binary frame is a message of its own, without a type.
 */

const KINDS = ["open", "close", "ping", "pong", "message", "upgrade", "noop"] as const;
export type EngineKind = (typeof KINDS)[number];

export type EnginePacket =
  | { readonly kind: EngineKind; readonly data: string }
  | { readonly kind: "binary"; readonly data: Uint8Array<ArrayBuffer> };

/** What goes to a client: a text frame as it is on a WebSocket, or the bytes of a binary message. */
export type EngineFrame = string | Uint8Array<ArrayBuffer>;

/** The last packet to a client that polls. */
export const CLOSE = "1";
export const PING = "2";
export const PONG = "3";
/** Clients ignore it, so it may answer a pong. */
export const NOOP = "6";
/** The answer to the first packet of a WebSocket that wants to take over a polling session. */
export const PROBED = "3probe";
/** Before a Socket.IO packet in a frame. */
export const MESSAGE = "4";

/** Between the packets of a polling body. */
const SEPARATOR = "\u001E";
/** Before binary data as base64, where only text can travel. */
const BASE64 = "b";

/** Reads the text of one packet. Undefined: it is none, and its connection ends (SPEC SO1). */
export function parseEnginePacket(text: string): EnginePacket | undefined {
  if (text.startsWith(BASE64)) {
    const data = decodeBase64(text.slice(1));
    return data === undefined ? undefined : { kind: "binary", data };
  }
  const kind = /^[0-6]/.test(text) ? KINDS[Number(text[0])] : undefined;
  return kind === undefined ? undefined : { kind, data: text.slice(1) };
}

/** Reads the body of a polling request, in the order of its packets. Undefined: one of them is none (SPEC SO1). */
export function parsePayload(body: string): readonly EnginePacket[] | undefined {
  const packets: EnginePacket[] = [];
  for (const text of body.split(SEPARATOR)) {
    const packet = parseEnginePacket(text);
    if (packet === undefined) return undefined;
    packets.push(packet);
  }
  return packets;
}

/** A packet of a polling body, as the frame that a WebSocket would have. */
export const frameOf = (packet: EnginePacket): EngineFrame =>
  packet.kind === "binary" ? packet.data : `${KINDS.indexOf(packet.kind)}${packet.data}`;

/** The body of a polling answer. MUST NOT be called without a frame: a client reads an empty body as a fault. */
export const encodePayload = (frames: readonly EngineFrame[]): string =>
  frames.map((frame) => (typeof frame === "string" ? frame : BASE64 + encodeBase64(frame))).join(SEPARATOR);

/** The first packet of a connection. Times in ms; `maxPayload`: bytes that one request or frame may have. */
export type Handshake = {
  readonly sid: string;
  readonly upgrades: readonly "websocket"[];
  readonly pingInterval: number;
  readonly pingTimeout: number;
  readonly maxPayload: number;
};

export const encodeHandshake = ({
  sid,
  upgrades,
  pingInterval,
  pingTimeout,
  maxPayload,
}: Handshake): string => `0${JSON.stringify({ sid, upgrades, pingInterval, pingTimeout, maxPayload })}`;

/** How a request is refused, by the codes of the protocol. */
export const ENGINE_ERRORS = {
  unknownTransport: { code: 0, status: 400, message: "Transport unknown" },
  unknownSession: { code: 1, status: 400, message: "Session ID unknown" },
  badMethod: { code: 2, status: 400, message: "Bad handshake method" },
  badRequest: { code: 3, status: 400, message: "Bad request" },
  forbidden: { code: 4, status: 403, message: "Forbidden" },
  unsupportedVersion: { code: 5, status: 400, message: "Unsupported protocol version" },
} as const;
export type EngineError = keyof typeof ENGINE_ERRORS;

/** How many bytes `String.fromCharCode` takes at a time. */
const CHUNK = 8_192;

export function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += CHUNK)
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(binary);
}

export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
