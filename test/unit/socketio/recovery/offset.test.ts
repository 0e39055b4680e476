import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeMessage, framesOf } from "../../../../src/socketio/message.ts";
import {
  carriesOffset,
  encodeOffset,
  parseOffset,
  withOffset,
} from "../../../../src/socketio/recovery/offset.ts";
import { PacketReader } from "../../../../src/socketio/packets.ts";

const OFFSET = { journalEpoch: "AbC-_123", sequence: 1_234_567 };

test("[SO40] an offset is read as it was written, and nothing else is one", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), (sequence) => {
      expect(parseOffset(encodeOffset({ ...OFFSET, sequence }))).toEqual({ ...OFFSET, sequence });
    }),
  );
  for (const text of ["", "hello", "AbC-_123", "AbC-_123.", "AbC-_123.Z", "AbC-_1234.1", "AbC-_123.1 "])
    expect(parseOffset(text)).toBeUndefined();
});

test("[SO40] the offset is the last argument of an event, whatever its arguments are", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.jsonValue(), fc.uint8Array())), (args) => {
      const message = encodeMessage("/a", ["e", ...args], {});
      const frames = framesOf(message);
      expect(carriesOffset({ message, frames })).toBe(true);
      const reader = new PacketReader({ maxBytes: 1_048_576 });
      const read = withOffset(frames, OFFSET)
        .map((frame) => reader.read(typeof frame === "string" ? frame.slice(1) : frame))
        .at(-1);
      const packet = read?.kind === "packet" ? read.packet : undefined;
      expect(packet?.kind === "event" && packet.args.at(-1)).toBe(encodeOffset(OFFSET));
      expect(packet?.kind === "event" && packet.args.length).toBe(args.length + 2);
    }),
  );
});

test("[SO40] no offset goes with a volatile event, an acknowledgement, or an event that asks for one", () => {
  const isCarried = (text: string, volatile?: true): boolean =>
    carriesOffset({ message: volatile === undefined ? {} : { volatile }, frames: [text] });
  expect(isCarried('42["e"]', true)).toBe(false);
  for (const text of [
    '4213["e"]',
    '42/a,1["e"]',
    '451-/a,7["e",{"_placeholder":true,"num":0}]',
    '43["e"]',
    '40{"sid":"a"}',
  ])
    expect(isCarried(text)).toBe(false);
  for (const text of ['42["1,2["]', '42/a,["e"]', '451-["e",{"_placeholder":true,"num":0}]', "42[1]"])
    expect(isCarried(text)).toBe(true);
});
