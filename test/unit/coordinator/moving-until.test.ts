import { expect, test } from "vitest";
import { movingUntil } from "../../../src/coordinator/moving-until.ts";

const pace = { perSecondToOneShard: 300, perSecondFromOneShard: 100 };
const epoch = (moved: number) => ({
  at: 1_000,
  moved,
  predicted: { moving: 900, from: { a: 700, b: 200 }, to: { c: 900 }, unknown: [] },
});
const until = (moved: number, now: number) => movingUntil(epoch(moved), { pace, lastMovesMs: 60_000, now });

test("[EL3] moves have ended with their reports, or a configured time after what their pace takes", () => {
  // The 700 sessions of one shard take seven seconds, and the 900 to another three.
  expect(until(0, 5_000)).toBe(1_000 + 7_000 + 60_000);
  expect(until(899, 67_999)).toBe(68_000);
  expect(until(899, 68_000)).toBeUndefined();
  expect(until(900, 5_000)).toBeUndefined();
  expect(movingUntil(undefined, { pace, lastMovesMs: 60_000, now: 0 })).toBeUndefined();
  expect(
    movingUntil({ ...epoch(0), predicted: null }, { pace, lastMovesMs: 60_000, now: 0 }),
  ).toBeUndefined();
});
