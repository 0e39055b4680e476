import fc from "fast-check";
import { expect, test } from "vitest";
import type { PubEntry } from "../../../src/contracts/delivery.ts";
import { Tail } from "../../../src/shard/subscriptions/tail.ts";

const range = (from: number, to: number): PubEntry[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => ({
    kind: "pub",
    offset: from + n,
    body: `${from + n}`,
  }));
const view = (from: number, to: number) => ({ logEpoch: "e", top: to, publications: range(from, to) });
const offsets = (tail: Tail) => tail.view("a")?.publications.map(({ offset }) => offset);

test("[DL6] whatever it is told, what it remembers has no gap and ends with its top", () => {
  const step = fc.record({
    kind: fc.constantFrom("add", "learn", "whole"),
    channel: fc.constantFrom("a", "b"),
    from: fc.integer({ min: 1, max: 60 }),
    length: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 60 }), (steps, bytes) => {
      const tail = new Tail(bytes);
      for (const { kind, channel, from, length } of steps) {
        const to = from + length - 1;
        if (kind === "add") tail.add(channel, "e", range(from, to));
        else tail.learn(channel, view(from, to), kind === "whole");
        for (const name of ["a", "b"]) {
          const known = tail.view(name);
          if (known === undefined) continue;
          const [first] = known.publications;
          expect(known.publications).toEqual(first === undefined ? [] : range(first.offset, known.top));
        }
        const held = ["a", "b"].flatMap((name) => tail.view(name)?.publications ?? []);
        expect(held.reduce((sum, { body }) => sum + body.length, 0)).toBeLessThanOrEqual(bytes);
      }
    }),
  );
});

test("[DL6] what the log says of earlier publications is joined with what came since", () => {
  const tail = new Tail(1_000);
  tail.add("a", "e", range(8, 9));
  tail.learn("a", view(5, 8), false);
  expect(offsets(tail)).toEqual([5, 6, 7, 8, 9]);
  expect(tail.view("a")?.whole).toBe(false);
  tail.learn("a", view(3, 9), true);
  tail.add("a", "e", range(10, 10));
  expect(offsets(tail)).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
  expect(tail.view("a")?.whole).toBe(true);
});

test("[DL6] another log, a gap, or a lack of room end what it remembers", () => {
  const tail = new Tail(1_000);
  tail.learn("a", view(1, 3), true);
  tail.add("a", "f", range(4, 5));
  expect(tail.view("a")).toMatchObject({ logEpoch: "f", top: 5, whole: false });
  tail.add("a", "f", range(7, 8));
  expect(offsets(tail)).toEqual([7, 8]);
  const small = new Tail(3);
  small.learn("a", view(1, 4), true);
  expect(small.view("a")).toMatchObject({ top: 4, whole: false });
  expect(offsets(small)).toEqual([2, 3, 4]);
});
