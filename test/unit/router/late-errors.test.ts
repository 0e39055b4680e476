import fc from "fast-check";
import { expect, test } from "vitest";
import { LateErrors } from "../../../src/router/late-errors.ts";

const START = 1_700_000_000_000;

test("[EL60] an error is answered at most so late, and by the random source", () => {
  const numbers = [0, 0.25, 0.5, 0.999_999];
  let n = 0;
  const late = new LateErrors({ maxMs: 2_000, most: 100 }, () => numbers[n++] ?? 0, START);
  expect(numbers.map(() => late.next(START))).toEqual([0, 500, 1_000, 2_000]);
});

test("[EL60] errors that come at one instant are answered over the whole time", () => {
  const late = new LateErrors({ maxMs: 2_000, most: 2_000 }, Math.random, START);
  const quarters = [0, 0, 0, 0];
  for (let n = 0; n < 1_000; n++) {
    const quarter = Math.min(3, Math.floor(late.next(START) / 500));
    quarters[quarter] = (quarters[quarter] ?? 0) + 1;
  }
  for (const count of quarters) expect(count).toBeGreaterThan(150);
});

test("[EL60] at most so many answers wait, however many errors come", () => {
  const settings = fc.record({
    maxMs: fc.integer({ min: 1, max: 5_000 }),
    most: fc.integer({ min: 1, max: 60 }),
  });
  const gaps = fc.array(fc.nat({ max: 300 }), { maxLength: 300 });
  fc.assert(
    fc.property(settings, gaps, ({ maxMs, most }, gaps) => {
      const late = new LateErrors({ maxMs, most }, () => 0.999_999, START);
      const ends: number[] = [];
      let now = START;
      for (const gap of gaps) {
        now += gap;
        const delay = late.next(now);
        if (delay > 0) ends.push(now + delay);
        expect(ends.filter((end) => end > now).length).toBeLessThanOrEqual(most);
      }
    }),
  );
});

test("[EL60] 0 answers every error at once", () => {
  const late = new LateErrors({ maxMs: 0, most: 100 }, () => 0.5, START);
  for (let n = 0; n < 10; n++) expect(late.next(START + n)).toBe(0);
});
