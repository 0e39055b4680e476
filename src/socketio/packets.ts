import { Decoder, Encoder, PacketType, type Packet } from "socket.io-parser";
import { MESSAGE, type EngineFrame } from "./engine.ts";
import { InputError } from "./input-error.ts";

/**
 * Socket.IO 5 packets, as the stock parser reads and writes them, within bounds of our own.
 *
 * `args` of an event begin with its name. Binary data in `args` are `Uint8Array`s.
 */
export type SocketPacket =
  | { readonly kind: "connect"; readonly nsp: string; readonly auth: Readonly<Record<string, unknown>> }
  | { readonly kind: "disconnect"; readonly nsp: string }
  | {
      readonly kind: "event";
      readonly nsp: string;
      readonly args: EventArgs;
      readonly id: number | undefined;
    }
  | { readonly kind: "ack"; readonly nsp: string; readonly args: readonly unknown[]; readonly id: number };

export type EventArgs = readonly [name: string | number, ...args: unknown[]];

/** `partial`: the attachments of a binary packet follow. `invalid`: the connection ends. */
export type ReadPacket =
  | { readonly kind: "packet"; readonly packet: SocketPacket }
  | { readonly kind: "partial" }
  | { readonly kind: "invalid" };

/** A stock client takes so many attachments of one packet, and ends its connection at one more. */
export const MOST_ATTACHMENTS = 10;

/** Names that mean something to the library on either side. A stock client ends its connection at such an event. */
const RESERVED = new Set<unknown>([
  "connect",
  "connect_error",
  "disconnect",
  "disconnecting",
  "newListener",
  "removeListener",
]);

/** Whether clients take events of such a name. */
export const isEventName = (name: unknown): name is string | number =>
  Number.isFinite(name) || (typeof name === "string" && !RESERVED.has(name));

const INVALID = { kind: "invalid" } as const;
const PARTIAL = { kind: "partial" } as const;

/** The longest name of a namespace that a client may send. */
const NAMESPACE_CHARS = 128;

/** Reads the packets of one connection, in order (SPEC SO2). */
export class PacketReader {
  readonly #decoder = new Decoder();
  readonly #maxBytes: number;
  #decoded: Packet | undefined;
  /** Of the packet whose attachments follow. */
  #bytes = 0;

  /** `maxBytes`: a packet with all its attachments has at most so many bytes. */
  constructor({ maxBytes }: { readonly maxBytes: number }) {
    this.#maxBytes = maxBytes;
    this.#decoder.on("decoded", (packet: Packet) => {
      this.#decoded = packet;
    });
  }

  read(data: string | Uint8Array<ArrayBuffer>): ReadPacket {
    this.#bytes += data.length;
    if (this.#bytes > this.#maxBytes) return this.#refuse();
    this.#decoded = undefined;
    try {
      this.#decoder.add(data);
    } catch {
      return this.#refuse();
    }
    const decoded: Packet | undefined = this.#decoded;
    if (decoded === undefined) return PARTIAL;
    this.#bytes = 0;
    const packet = understand(decoded);
    return packet === undefined ? this.#refuse() : { kind: "packet", packet };
  }

  #refuse(): ReadPacket {
    this.#decoder.destroy();
    return INVALID;
  }
}

/** The stock parser lets some packets pass on which a stock server stumbles. */
function understand({ type, nsp, data, id }: Packet): SocketPacket | undefined {
  if (nsp.length > NAMESPACE_CHARS) return undefined;
  if (id !== undefined && !(Number.isSafeInteger(id) && id >= 0)) return undefined;
  switch (type) {
    case PacketType.CONNECT:
      return { kind: "connect", nsp, auth: (data ?? {}) as Readonly<Record<string, unknown>> };
    case PacketType.DISCONNECT:
      return { kind: "disconnect", nsp };
    case PacketType.EVENT:
      return data === undefined ? undefined : { kind: "event", nsp, args: data as EventArgs, id };
    case PacketType.ACK:
      if (data === undefined || id === undefined) return undefined;
      return { kind: "ack", nsp, args: data as readonly unknown[], id };
    default:
      // A client does not send CONNECT_ERROR.
      return undefined;
  }
}

/** A packet of the server. */
export type ServerPacket =
  /** `pid`: where the socket may be recovered, the secret by which its client alone does it. */
  | {
      readonly kind: "connect";
      readonly nsp: string;
      readonly sid: string;
      readonly pid?: string | undefined;
    }
  | { readonly kind: "disconnect"; readonly nsp: string }
  | {
      readonly kind: "event";
      readonly nsp: string;
      readonly args: EventArgs;
      readonly id?: number | undefined;
    }
  | { readonly kind: "ack"; readonly nsp: string; readonly args: readonly unknown[]; readonly id: number }
  | { readonly kind: "error"; readonly nsp: string; readonly message: string; readonly data?: unknown };

const encoder = new Encoder();

/**
 * The frames of one packet: its text, then its attachments. They MUST follow each other on the connection. Throws
 * where JSON cannot hold the arguments, and where a stock client could not take them.
 */
export function encodePacket(packet: ServerPacket): readonly [string, ...EngineFrame[]] {
  const [text, ...attachments] = encoder.encode(plain(packet)) as [
    string,
    ...(ArrayBufferLike | ArrayBufferView | Blob)[],
  ];
  if (attachments.length > MOST_ATTACHMENTS)
    throw new InputError(`an event has at most ${MOST_ATTACHMENTS} binary parts, not ${attachments.length}`);
  return [MESSAGE + text, ...attachments.map(bytesOf)];
}

function plain(packet: ServerPacket): Packet {
  const { nsp } = packet;
  switch (packet.kind) {
    case "connect": {
      const { sid, pid } = packet;
      return { type: PacketType.CONNECT, nsp, data: { sid, ...(pid === undefined ? {} : { pid }) } };
    }
    case "disconnect":
      return { type: PacketType.DISCONNECT, nsp };
    case "event": {
      const { args: data, id } = packet;
      return { type: PacketType.EVENT, nsp, data, ...(id === undefined ? {} : { id }) };
    }
    case "ack":
      return { type: PacketType.ACK, nsp, data: packet.args, id: packet.id };
    case "error": {
      const { message, data } = packet;
      return {
        type: PacketType.CONNECT_ERROR,
        nsp,
        data: { message, ...(data === undefined ? {} : { data }) },
      };
    }
  }
}

/** The bytes of an attachment; a view may be a part of its buffer. */
export function bytesOf(attachment: ArrayBufferLike | ArrayBufferView | Blob): Uint8Array<ArrayBuffer> {
  if (attachment instanceof Blob) throw new TypeError("a Blob cannot be sent: read its bytes first");
  if (!ArrayBuffer.isView(attachment)) return new Uint8Array(attachment as ArrayBuffer);
  const { buffer, byteOffset, byteLength } = attachment;
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
