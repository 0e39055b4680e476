import fc from "fast-check";
import { Decoder, Encoder, PacketType, type Packet } from "socket.io-parser";
import { describe, expect, test } from "vitest";
import {
  encodePacket,
  PacketReader,
  type ReadPacket,
  type ServerPacket,
} from "../../../src/socketio/packets.ts";
import { anyText } from "../any-text.ts";

type Data = string | Uint8Array<ArrayBuffer>;

const readAll = (frames: readonly Data[], maxBytes = 65_536): ReadPacket[] => {
  const reader = new PacketReader({ maxBytes });
  return frames.map((frame) => reader.read(frame));
};
const readOne = (...frames: Data[]): ReadPacket | undefined => readAll(frames).at(-1);

/** The last packet that the stock decoder makes of frames, or that it threw. */
function stockReads(frames: readonly Data[]): Packet | "thrown" | undefined {
  const decoder = new Decoder();
  let last: Packet | undefined;
  decoder.on("decoded", (packet: Packet) => (last = packet));
  try {
    for (const frame of frames) decoder.add(frame);
  } catch {
    return "thrown";
  }
  return last;
}

const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => new Uint8Array(array));
const value = fc.oneof(
  fc.jsonValue({ depthSize: "small" }),
  bytes,
  fc.record({ deep: fc.array(bytes, { maxLength: 2 }) }),
);
const args = fc
  .tuple(fc.constantFrom("message", "a b", "é", ""), fc.array(value, { maxLength: 3 }))
  .map(([name, rest]) => [name, ...rest] as const);
const nsp = fc.constantFrom("/", "/admin", "/a/b");
const id = fc.option(fc.nat(), { nil: undefined });

/** The frames of a stock client. */
const encodeStock = (packet: Packet): Data[] =>
  new Encoder().encode(packet).map((part) => (typeof part === "string" ? part : new Uint8Array(part)));

/** JSON turns -0 into 0. */
const asSent = (sent: unknown): unknown =>
  JSON.parse(JSON.stringify(sent, (_, one: unknown) => (one instanceof Uint8Array ? [...one] : one)));

describe("[SO2] Socket.IO packets", () => {
  test("[SO2] an event of a stock client is read with its namespace, id and binary data", () => {
    fc.assert(
      fc.property(args, nsp, id, (data, nsp, id) => {
        const frames = encodeStock({
          type: PacketType.EVENT,
          nsp,
          data: [...data],
          ...(id === undefined ? {} : { id }),
        });
        fc.pre(frames.length <= 11);
        const read = readAll(frames);
        expect(read.slice(0, -1).every(({ kind }) => kind === "partial")).toBe(true);
        const last = read.at(-1);
        expect(asSent(last)).toEqual(
          asSent({ kind: "packet", packet: { kind: "event", nsp, args: data, id } }),
        );
      }),
      { seed: 20_261_129 },
    );
  });

  test("[SO2] a stock client reads every packet of the server", () => {
    const packet: fc.Arbitrary<ServerPacket> = fc.oneof(
      fc.record({ kind: fc.constant("connect"), nsp, sid: fc.string() }),
      fc.record({ kind: fc.constant("disconnect"), nsp }),
      fc.record({ kind: fc.constant("event"), nsp, args, id }),
      fc.record({ kind: fc.constant("ack"), nsp, args: fc.array(value, { maxLength: 3 }), id: fc.nat() }),
      fc.record({ kind: fc.constant("error"), nsp, message: fc.string(), data: fc.jsonValue() }),
    );
    fc.assert(
      fc.property(packet, (packet) => {
        const [first, ...rest] = encodePacket(packet);
        expect(first.startsWith("4")).toBe(true);
        fc.pre(rest.length <= 10);
        const read = stockReads([first.slice(1), ...(rest as Data[])]);
        if (read === undefined || read === "thrown") throw new Error("not read");
        expect(read.nsp).toBe(packet.nsp);
        if (packet.kind === "event" || packet.kind === "ack") {
          expect(asSent(read.data)).toEqual(asSent(packet.args));
          expect(read.id).toBe(packet.id);
        }
        if (packet.kind === "connect") expect(read.data).toEqual({ sid: packet.sid });
        if (packet.kind === "error")
          expect(asSent(read.data)).toEqual(asSent({ message: packet.message, data: packet.data }));
      }),
      { seed: 20_261_129 },
    );
  });

  test("[SO2] any frames are refused where the stock parser throws, and never throw here", () => {
    const text = fc
      .tuple(
        fc.constantFrom("0", "1", "2", "3", "4", "51-", "61-", "511-", "50-", "9", ""),
        fc.constantFrom("", "/", "/admin,", "/admin"),
        fc.constantFrom("", "0", "12", "-1", " 1", "99999999999999999999"),
        fc.oneof(
          fc.constantFrom("", "{}", '["a"]', '["connect"]', "[]", "[7]", '[{"_placeholder":true,"num":0}]'),
          fc.jsonValue().map((json) => JSON.stringify(["a", json])),
          anyText({ maxLength: 6 }),
        ),
      )
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.array(fc.oneof(text, bytes), { minLength: 1, maxLength: 3 }), (frames) => {
        const read = readAll(frames);
        const upTo = read.findIndex(({ kind }) => kind === "invalid");
        const stock = stockReads(upTo === -1 ? frames : frames.slice(0, upTo + 1));
        // Refused packets that the stock parser lets pass have a test of their own.
        if (stock === "thrown") expect(upTo).not.toBe(-1);
        if (upTo === -1) expect(stock).not.toBe("thrown");
      }),
      { seed: 20_261_129, numRuns: 1_000 },
    );
  });

  test.each([
    ["an event without arguments", "2"],
    ["an acknowledgement without arguments", "31"],
    ["an acknowledgement without an id", '3["a"]'],
    ["a connect error of a client", "4{}"],
    ["an id that is no safe integer", '299999999999999999999["a"]'],
    ["a namespace with 129 characters", `0/${"n".repeat(128)},`],
    ["more attachments than ten", '511-["a"]'],
  ])("[SO2] %s is refused", (_, text) => {
    expect(readOne(text)).toEqual({ kind: "invalid" });
  });

  test("[SO2] a text between the attachments of a packet is refused, and so are stray bytes", () => {
    expect(readOne('51-["a",{"_placeholder":true,"num":0}]', '2["b"]')).toEqual({ kind: "invalid" });
    expect(readOne(new Uint8Array([1]))).toEqual({ kind: "invalid" });
  });

  test("[SO2] a packet with its attachments stays within the bound", () => {
    const head = '52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]';
    const half = new Uint8Array(50);
    const kinds = (maxBytes: number) => readAll([head, half, half], maxBytes).map(({ kind }) => kind);
    expect(kinds(head.length + 100)).toEqual(["partial", "partial", "packet"]);
    expect(kinds(head.length + 99)).toEqual(["partial", "partial", "invalid"]);
  });

  test("[SO2] each packet has the whole bound", () => {
    const text = `2["a","${"x".repeat(80)}"]`;
    expect(readAll([text, text, text], 100).map(({ kind }) => kind)).toEqual(["packet", "packet", "packet"]);
  });

  test("[SO2] a view of a larger buffer is sent as its own bytes, and a Blob is refused", () => {
    const view = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    expect(encodePacket({ kind: "event", nsp: "/", args: ["a", view] })[1]).toEqual(new Uint8Array([2, 3]));
    const blob = new Blob(["x"]);
    expect(() => encodePacket({ kind: "event", nsp: "/", args: ["a", blob] })).toThrow(
      "a Blob cannot be sent",
    );
  });
});
