import { encodePayload, parsePayload } from "./engine.ts";
import { InputError } from "./input-error.ts";
import { encodePacket, MOST_ATTACHMENTS, PacketReader } from "./packets.ts";

/** Arguments, which may have binary data in them, as one text for a call between objects. */
export function pack(args: readonly unknown[]): string {
  const frames = encodePacket({ kind: "ack", nsp: "/", args, id: 0 });
  if (frames.length - 1 > MOST_ATTACHMENTS)
    throw new InputError(`arguments have at most ${MOST_ATTACHMENTS} binary parts`);
  return encodePayload(frames);
}

/** Throws for a text that `pack` has not made. */
export function unpack(text: string): readonly unknown[] {
  const reader = new PacketReader({ maxBytes: Infinity });
  for (const packet of parsePayload(text) ?? []) {
    const read = reader.read(packet.data);
    if (read.kind === "packet" && read.packet.kind === "ack") return read.packet.args;
  }
  throw new Error("a text that holds no arguments");
}
