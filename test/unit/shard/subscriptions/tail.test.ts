import fc from "fast-check";
import { expect, test } from "vitest";
import type { LogView, Publication } from "../../../../src/contracts/publication.ts";
import { Tail } from "../../../../src/shard/subscriptions/tail.ts";

const range = (from: number, to: number): Publication[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => ({
    kind: "pub",
    offset: from + n,
    body: `${from + n}`,
  }));
const view = (from: number, to: number): LogView => ({
  logEpoch: "e",
  top: to,
  publications: range(from, to),
});
const tailOf = (tailBytes: number) =>
  new Tail({ tailBytes, recoveryMaxPublications: 300, resumeBytes: 1_000_000 });
const offsets = (tail: Tail) => tail.view("a")?.publications.map(({ offset }) => offset);

test("[DL6] a tail has no gap, ends with its top and stays within its limits, whatever it is told", () => {
  const step = fc.record({
    kind: fc.constantFrom("add", "learn", "whole"),
    channel: fc.constantFrom("a", "b"),
    from: fc.integer({ min: 1, max: 60 }),
    length: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 60 }), (steps, bytes) => {
      const tail = new Tail({ tailBytes: bytes, recoveryMaxPublications: 15, resumeBytes: 1_000_000 });
      for (const { kind, channel, from, length } of steps) {
        const to = from + length - 1;
        if (kind === "add") tail.add(channel, "e", range(from, to));
        else tail.learn(channel, view(from, to), { whole: kind === "whole" });
        for (const name of ["a", "b"]) {
          const known = tail.view(name);
          if (known === undefined) continue;
          const [first] = known.publications;
          expect(known.publications).toEqual(first === undefined ? [] : range(first.offset, known.top));
          expect(known.publications.length).toBeLessThanOrEqual(15);
        }
        const held = ["a", "b"].flatMap((name) => tail.view(name)?.publications ?? []);
        expect(held.reduce((sum, { body }) => sum + body.length, 0)).toBeLessThanOrEqual(bytes);
      }
    }),
  );
});

test("[DL6] a tail joins what the log says of earlier publications with what came since", () => {
  const tail = tailOf(1_000);
  tail.add("a", "e", range(8, 9));
  tail.learn("a", view(5, 8), { whole: false });
  expect(offsets(tail)).toEqual([5, 6, 7, 8, 9]);
  expect(tail.view("a")?.whole).toBe(false);
  tail.learn("a", view(3, 9), { whole: true });
  tail.add("a", "e", range(10, 10));
  expect(offsets(tail)).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
  expect(tail.view("a")?.whole).toBe(true);
});

test("[DL6] another log, a gap, or a lack of room end what a tail remembers", () => {
  const tail = tailOf(1_000);
  tail.learn("a", view(1, 3), { whole: true });
  tail.add("a", "f", range(4, 5));
  expect(tail.view("a")).toMatchObject({ logEpoch: "f", top: 5, whole: false });
  tail.add("a", "f", range(7, 8));
  expect(offsets(tail)).toEqual([7, 8]);
  const small = tailOf(3);
  small.learn("a", view(1, 4), { whole: true });
  expect(small.view("a")).toMatchObject({ top: 4, whole: false });
  expect(offsets(small)).toEqual([2, 3, 4]);
});

test("[DL6] a tail keeps of a channel no more publications than may be resumed, the newest of them", () => {
  const tail = new Tail({ tailBytes: 1_000_000, recoveryMaxPublications: 4, resumeBytes: 1_000_000 });
  tail.learn("a", view(1, 3), { whole: true });
  tail.add("a", "e", range(4, 6));
  expect(offsets(tail)).toEqual([3, 4, 5, 6]);
  // The trimmed ones are too far behind to be resumed, so the tail still says all that the log can say.
  expect(tail.view("a")?.whole).toBe(true);
  tail.learn("b", view(1, 9), { whole: true });
  expect(tail.view("b")?.publications.map(({ offset }) => offset)).toEqual([6, 7, 8, 9]);
});

test("[DL10] a tail gives the publication at an offset exactly where it holds it, however it was trimmed", () => {
  const step = fc.record({
    kind: fc.constantFrom("add", "learn", "whole", "drop"),
    from: fc.integer({ min: 1, max: 60 }),
    length: fc.integer({ min: 0, max: 20 }),
  });
  const limits = fc.record({
    tailBytes: fc.integer({ min: 0, max: 60 }),
    recoveryMaxPublications: fc.integer({ min: 1, max: 12 }),
    resumeBytes: fc.integer({ min: 1, max: 60 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), limits, (steps, limits) => {
      const tail = new Tail(limits);
      for (const { kind, from, length } of steps) {
        const to = from + length - 1;
        if (kind === "drop") tail.drop("a");
        else if (kind === "add") tail.add("a", "e", range(from, to));
        else tail.learn("a", view(from, to), { whole: kind === "whole" });
        const held = new Map(tail.view("a")?.publications.map((one) => [one.offset, one]));
        const offsets = Array.from({ length: 84 }, (_, n) => n - 1);
        const given = offsets.map((offset) => tail.at("a", "e", offset));
        expect(given).toEqual(offsets.map((offset) => held.get(offset)));
        expect(tail.at("a", "f", to)).toBeUndefined();
        expect(tail.at("b", "e", to)).toBeUndefined();
      }
    }),
  );
});

test("[DL6] 700,000 short publications stay bounded, of one channel and of many", () => {
  const limits = { tailBytes: 4_096, recoveryMaxPublications: 300, resumeBytes: 1_000_000 };
  const one = new Tail(limits);
  for (let offset = 1; offset <= 700_000; offset += 100) one.add("a", "e", range(offset, offset + 99));
  const kept = one.view("a")?.publications ?? [];
  expect(kept.map(({ offset }) => offset)).toEqual(range(699_701, 700_000).map(({ offset }) => offset));
  const many = new Tail(limits);
  for (let n = 0; n < 70_000; n++) {
    const from = Math.floor(n / 1_000) * 10 + 1;
    many.add(`channel ${n % 1_000}`, "e", range(from, from + 9));
  }
  const held = Array.from({ length: 1_000 }, (_, n) => many.view(`channel ${n}`)?.publications ?? []).flat();
  expect(held.reduce((sum, { body }) => sum + body.length, 0)).toBeLessThanOrEqual(limits.tailBytes);
  expect(held.length).toBeGreaterThan(1_000);
});

test("[BD6] a tail keeps no more of a channel than one answer may hold, and at least the newest", () => {
  const tail = new Tail({ tailBytes: 1_000_000, recoveryMaxPublications: 300, resumeBytes: 1_000 });
  const big = (offset: number, bytes: number) => ({ kind: "pub" as const, offset, body: "x".repeat(bytes) });
  for (let offset = 1; offset <= 20; offset++) tail.add("room", "e", [big(offset, 300)]);
  expect(tail.view("room")?.publications.map(({ offset }) => offset)).toEqual([18, 19, 20]);
  tail.add("room", "e", [big(21, 2_000)]);
  expect(tail.view("room")?.publications.map(({ offset }) => offset)).toEqual([21]);
});
