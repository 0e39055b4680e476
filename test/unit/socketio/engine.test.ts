import { decodePayload, decodePacket, encodePayload as encodeStock, type Packet } from "engine.io-parser";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodeHandshake,
  encodePayload,
  frameOf,
  parseEnginePacket,
  parsePayload,
  type EnginePacket,
} from "../../../src/socketio/engine.ts";
import { anyText } from "../any-text.ts";

/** A packet of the stock parser in our words; undefined for an error. */
function inOurWords({ type, data = "" }: Packet): EnginePacket | undefined {
  if (type === "error") return undefined;
  if (typeof data === "string") return { kind: type, data };
  return { kind: "binary", data: new Uint8Array(data) };
}

/** Text that is more often nearly a packet. Base64 is left out: the stock parser passes over its faults. */
const nearlyPacket = fc
  .tuple(
    fc.constantFrom("", "0", "1", "2", "3", "4", "5", "6", "7", "4 ", "x", "-1"),
    anyText({ maxLength: 8 }),
  )
  .map(([type, rest]) => type + rest)
  .filter((text) => !text.startsWith("b") && !text.includes("\u001E"));

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => new Uint8Array(array));

describe("[SO1] Engine.IO packets", () => {
  test("[SO1] any text is read as the stock parser reads it", () => {
    fc.assert(
      fc.property(nearlyPacket, (text) => {
        expect(parseEnginePacket(text)).toEqual(inOurWords(decodePacket(text)));
      }),
      { seed: 20_261_129 },
    );
  });

  test("[SO1] a body of any packets is read as the stock parser reads it", () => {
    fc.assert(
      fc.property(fc.array(nearlyPacket, { minLength: 1, maxLength: 6 }), (texts) => {
        const body = texts.join("\u001E");
        const stock = decodePayload(body).map(inOurWords);
        expect(parsePayload(body)).toEqual(stock.includes(undefined) ? undefined : stock);
      }),
      { seed: 20_261_129 },
    );
  });

  test("[SO20] a packet of a body is carried out as the frame that a WebSocket would have", () => {
    fc.assert(
      fc.property(fc.array(nearlyPacket, { minLength: 1, maxLength: 6 }), (texts) => {
        const known = texts.filter((text) => parseEnginePacket(text) !== undefined);
        expect(parsePayload(known.join("\u001E"))?.map(frameOf) ?? []).toEqual(known);
      }),
      { seed: 20_261_129 },
    );
    expect(parsePayload("bAQID")?.map(frameOf)).toEqual([Uint8Array.of(1, 2, 3)]);
  });

  test("[SO1] the stock parser reads our bodies, and we read those of the stock parser", async () => {
    const frames = fc.array(fc.oneof(anyText({ maxLength: 20 }), bytes), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(frames, async (values) => {
        const sent = values.map((value) =>
          typeof value === "string" ? value.replaceAll("\u001E", "") : value,
        );
        const expected = sent.map((data) =>
          typeof data === "string" ? { kind: "message", data } : { kind: "binary", data },
        );
        const body = encodePayload(sent.map((data) => (typeof data === "string" ? `4${data}` : data)));
        expect(decodePayload(body).map(inOurWords)).toEqual(expected);
        const packets = sent.map((data) => ({
          type: "message" as const,
          data: typeof data === "string" ? data : Buffer.from(data),
        }));
        const stock = await new Promise<string>((resolve) => encodeStock(packets, resolve));
        expect(parsePayload(stock)).toEqual(expected);
      }),
      { seed: 20_261_129 },
    );
  });

  test.each(["", "7", "x", "b=", "b%%%%", "4a\u001E", "\u001E4a", "4a\u001E\u001E4b"])(
    "[SO1] %j is no body",
    (body) => {
      expect(parsePayload(body)).toBeUndefined();
    },
  );

  test("[SO1] a binary message larger than the call stack is encoded whole", () => {
    const large = new Uint8Array(300_000).map((_, n) => n);
    expect(parsePayload(encodePayload([large]))).toEqual([{ kind: "binary", data: large }]);
  });

  test("[SO1] the handshake has exactly the five fields of the protocol", () => {
    const handshake = {
      sid: "s",
      upgrades: ["websocket"],
      pingInterval: 1,
      pingTimeout: 2,
      maxPayload: 3,
    } as const;
    expect(encodeHandshake(handshake)).toBe(
      '0{"sid":"s","upgrades":["websocket"],"pingInterval":1,"pingTimeout":2,"maxPayload":3}',
    );
  });
});
