import fc from "fast-check";
import { expect, test } from "vitest";
import { TokenBucket } from "../../../src/platform/token-bucket.ts";

const START = 1_700_000_000_000;

/** How many of `count` requests that come at one instant are let through. */
function taken(bucket: TokenBucket, now: number, count: number): number {
  return Array.from({ length: count }, () => bucket.take(now)).filter(Boolean).length;
}

test("[SE3] a bucket starts full: the burst passes at once, and no more", () => {
  const bucket = new TokenBucket({ burst: 5, perSecond: 10 }, START);
  expect(taken(bucket, START, 20)).toBe(5);
});

test("[SE3] an empty bucket lets one through again when one token has flowed in, not before", () => {
  const bucket = new TokenBucket({ burst: 1, perSecond: 4 }, START);
  expect(bucket.take(START)).toBe(true);
  expect(bucket.take(START + 249)).toBe(false);
  expect(bucket.take(START + 250)).toBe(true);
  expect(bucket.take(START + 251)).toBe(false);
});

test("[SE3] a refused request takes nothing: a client that asks too often is not set back", () => {
  const bucket = new TokenBucket({ burst: 1, perSecond: 1 }, START);
  expect(bucket.take(START)).toBe(true);
  for (let at = START + 50; at < START + 1_000; at += 50) expect(bucket.take(at)).toBe(false);
  // Twenty sums of 0.05 may fall short of one by a rounding.
  expect(bucket.take(START + 1_001)).toBe(true);
});

test("[SE3] a long silence saves up one burst, however long it is", () => {
  const bucket = new TokenBucket({ burst: 5, perSecond: 10 }, START);
  expect(taken(bucket, START, 5)).toBe(5);
  expect(taken(bucket, START + 86_400_000, 50)).toBe(5);
});

test("[SE3] in any stretch of time at most the burst and what flowed in pass, and a fair asker is never refused", () => {
  const limits = fc.record({
    burst: fc.integer({ min: 1, max: 50 }),
    perSecond: fc.integer({ min: 1, max: 100 }),
  });
  fc.assert(
    fc.property(limits, fc.array(fc.nat({ max: 500 }), { maxLength: 100 }), (limits, gaps) => {
      const bucket = new TokenBucket(limits, START);
      const passed: number[] = [];
      let now = START;
      for (const gap of gaps) {
        now += gap;
        if (bucket.take(now)) passed.push(now);
      }
      for (const [first, from] of passed.entries()) {
        for (const [last, to] of passed.entries()) {
          if (last < first) continue;
          const most = limits.burst + ((to - from) / 1_000) * limits.perSecond;
          expect(last - first + 1).toBeLessThanOrEqual(most + 1e-6);
        }
      }
    }),
  );
  fc.assert(
    fc.property(limits, fc.integer({ min: 1, max: 100 }), (limits, count) => {
      const bucket = new TokenBucket(limits, START);
      const gap = Math.ceil(1_000 / limits.perSecond);
      for (let n = 0; n < count; n++) expect(bucket.take(START + n * gap)).toBe(true);
    }),
  );
});
