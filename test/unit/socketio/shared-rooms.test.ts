import fc from "fast-check";
import { Decoder, type Packet } from "socket.io-parser";
import { expect, test } from "vitest";
import { encodePublication, forClients, type Publication } from "../../../src/contracts/publication.ts";
import { encodePacket } from "../../../src/socketio/packets.ts";
import { encodeShared, readShared } from "../../../src/socketio/shared-rooms.ts";

const pub = (body: string): Publication => ({ kind: "pub", offset: 1, body });
const read = (body: string) => readShared("chat:x", pub(body), { durable: true });

/** The arguments that the stock parser makes of the frames for an event. */
function stockReads(args: Parameters<typeof encodeShared>[0]): unknown {
  const decoder = new Decoder();
  let decoded: unknown;
  decoder.on("decoded", ({ data }: Packet) => (decoded = data));
  const [text, ...attachments] = encodePacket({ kind: "event", nsp: "/", args });
  decoder.add(text.slice(1));
  for (const attachment of attachments) decoder.add(attachment);
  return decoded;
}

const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => new Uint8Array(array));
const lookalike = fc.constantFrom(
  { $binary: "AA==" },
  { $binary: "AA" },
  { $binary: "?" },
  { $binary: 1 },
  { _placeholder: true, num: 0 },
  { _placeholder: true, num: 99 },
);
const anything = fc.oneof(
  fc.jsonValue({ depthSize: "small" }),
  lookalike,
  fc.array(lookalike, { maxLength: 14 }),
);
const forSockets = fc.record(
  { except: fc.array(fc.string(), { maxLength: 3 }), union: fc.uuid(), volatile: fc.constant(true as const) },
  { requiredKeys: [] },
);

test("[SO51] an event comes back as it was emitted, and clients see only its name and arguments", () => {
  const args = fc.array(fc.oneof(fc.jsonValue(), bytes), { maxLength: 5 });
  fc.assert(
    fc.property(fc.string(), args, forSockets, (name, rest, how) => {
      fc.pre(!/^(connect|connect_error|disconnect|disconnecting|newListener|removeListener)$/.test(name));
      const body = encodeShared([name, ...rest], how);
      const { args: back, ...others } = read(body);
      // JSON has no -0.
      const plain = rest.map((arg) => (arg instanceof Uint8Array ? arg : JSON.parse(JSON.stringify(arg))));
      expect([back, others]).toEqual([[name, ...plain], how]);
      const seen = JSON.parse(forClients(body));
      expect(Object.keys(seen)).toEqual(["data"]);
      expect(Object.keys(seen.data)).toEqual(["event", "args"]);
    }),
    { seed: 51 },
  );
});

test("[SO51] a publication of clients is seen as it is, whatever its data says", () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.option(fc.dictionary(fc.string(), fc.string()), { nil: undefined }),
      (data, tags) => {
        const body = encodePublication({
          json: JSON.stringify(data),
          ...(tags === undefined ? {} : { tags }),
        });
        expect(forClients(body)).toBe(body);
      },
    ),
    { seed: 52 },
  );
});

test("[SO53] each publication is an event that the stock parser reads", () => {
  const event = fc.oneof(
    fc.string(),
    fc.constantFrom("connect", "disconnect", "publication"),
    fc.jsonValue(),
  );
  const data = fc.oneof(fc.record({ event, args: fc.array(anything, { maxLength: 4 }) }), anything);
  fc.assert(
    fc.property(data, (value) => {
      const { args } = read(encodePublication({ json: JSON.stringify(value) }));
      expect(stockReads(args)).toHaveLength(args.length);
    }),
    { seed: 53, numRuns: 2_000 },
  );
});
