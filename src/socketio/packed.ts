import { encodePayload, parsePayload } from "./engine.ts";
import { encodePacket, PacketReader } from "./packets.ts";

/** Arguments, which may have binary data in them, as one text for a call between objects. */
export const pack = (args: readonly unknown[]): string =>
  encodePayload(encodePacket({ kind: "ack", nsp: "/", args, id: 0 }));

/** Throws for a text that `pack` has not made. */
export function unpack(text: string): readonly unknown[] {
  const reader = new PacketReader({ maxBytes: Infinity });
  for (const packet of parsePayload(text) ?? []) {
    const read = reader.read(packet.data);
    if (read.kind === "packet" && read.packet.kind === "ack") return read.packet.args;
  }
  throw new Error("a text that holds no arguments");
}
