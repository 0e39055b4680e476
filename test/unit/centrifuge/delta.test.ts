import { readFileSync } from "node:fs";
import fc from "fast-check";
import { applyDelta } from "fossil-delta";
import { afterEach, expect, test, vi } from "vitest";
import { encodePublication, type Publication } from "../../../src/contracts/publication.ts";
import { DeltaEncoder } from "../../../src/centrifuge/delta.ts";

afterEach(() => void vi.restoreAllMocks());

const pub = (offset: number, data: unknown): Publication => ({
  kind: "pub",
  offset,
  body: JSON.stringify({ data, info: { user: "a" } }),
});

type Received = { data: string; delta?: true; offset: number; info: unknown };

/** The text that a client makes of it, as the stock SDK does. */
function decode(received: Received, before: string | undefined): string {
  if (received.delta !== true) return received.data;
  const bytes = (text: string) => new TextEncoder().encode(text);
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
    applyDelta(bytes(before ?? ""), bytes(received.data)),
  );
}

test("[DL10] any series of publications is the same with patches as without", () => {
  const text = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 200 }),
    fc.constantFrom("ä", "äö".repeat(40), "x".repeat(90)),
  );
  const similar = fc.record({
    fixed: fc.constant("a long text that every publication has in common"),
    varying: text,
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.jsonValue(), similar), { minLength: 1, maxLength: 8 }), (series) => {
      const entries = series.map((data, n) => pub(n + 1, data));
      const encoder = new DeltaEncoder(entries);
      let before: string | undefined;
      for (const [n, data] of series.entries()) {
        const received = JSON.parse(encoder.encode(n + 1, n === 0 ? undefined : n)) as Received;
        expect(received).toMatchObject({ offset: n + 1, info: { user: "a" } });
        before = decode(received, before);
        expect(before).toBe(JSON.stringify(data));
      }
    }),
  );
});

test("[CE4] patches are made of the text that was sent, and give it back", () => {
  const common = "x".repeat(200);
  const texts = [`{"a":1.0,"a":2,"${common}":0}`, `{"a":1.0,"a":12345678901234567890,"${common}":0}`];
  const bodies = texts.map((json) => encodePublication({ json, info: { user: "a", client: "b" } }));
  const encoder = new DeltaEncoder(bodies.map((body, n) => ({ kind: "pub", offset: n + 1, body })));
  const first = JSON.parse(encoder.encode(1, undefined)) as Received;
  const second = JSON.parse(encoder.encode(2, 1)) as Received;
  expect(first).toEqual({ data: texts[0], info: { user: "a", client: "b" }, offset: 1 });
  expect(second.delta).toBe(true);
  expect(decode(second, first.data)).toBe(texts[1]);
});

test("[DL10] a patch is sent to a client that has the publication before, and only if it is shorter", () => {
  const common = "x".repeat(500);
  const encoder = new DeltaEncoder(
    [pub(5, { common, n: 1 }), pub(6, { common, n: 2 }), pub(7, 1)],
    pub(4, { common, n: 0 }),
  );
  const sent = (offset: number, base?: number) => JSON.parse(encoder.encode(offset, base)) as Received;
  expect(sent(5, 4)).toMatchObject({ delta: true });
  expect(sent(6, 5).data.length).toBeLessThan(60);
  for (const whole of [sent(6), sent(6, 4), sent(7, 6)]) expect(whole).not.toHaveProperty("delta");
});

test("[DL10] a text that is hard to patch is sent whole", () => {
  // Each place of the second text has the sum of every block of the first, and none of them fits.
  const texts = ["b_baaaaaaaaaaaaa".repeat(4_000), "a".repeat(64_000)];
  const encoder = new DeltaEncoder(texts.map((text, n) => pub(n + 1, text)));
  expect(JSON.parse(encoder.encode(2, 1))).toEqual({
    data: JSON.stringify(texts[1]),
    offset: 2,
    info: { user: "a" },
  });
});

test("[DL10] texts of people and of programs are patched, also long ones", () => {
  const spec = readFileSync("SPEC.md", "utf8").slice(0, 60_000);
  const rows = (n: number) =>
    Array.from({ length: 900 }, (_, id) => ({
      id,
      name: `user ${id}`,
      score: (id * 7 + (id % 50) * n) % 1_000,
    }));
  for (const [before, after] of [
    [spec, spec.replaceAll("the", "a")],
    [rows(0), rows(1)],
    ["x".repeat(500), "x".repeat(501)],
  ]) {
    const encoder = new DeltaEncoder([pub(1, before), pub(2, after)]);
    const received = JSON.parse(encoder.encode(2, 1)) as Received;
    expect(received.delta).toBe(true);
    expect(decode(received, JSON.stringify(before))).toBe(JSON.stringify(after));
  }
});

test("[DL6] a crowd that resumes needs each patch once", () => {
  const events = Array.from({ length: 50 }, (_, n) => pub(n + 1, { common: "x".repeat(500), n }));
  const resume = (): string[] => {
    const encoder = new DeltaEncoder(events);
    return events.map(({ offset }) => encoder.encode(offset, offset - 1));
  };
  const first = resume();
  const encoded = vi.spyOn(TextEncoder.prototype, "encode");
  for (let n = 0; n < 10; n++) expect(resume()).toEqual(first);
  expect(encoded).not.toHaveBeenCalled();
});
