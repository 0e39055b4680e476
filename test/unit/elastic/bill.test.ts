import { expect, test } from "vitest";
import { NO_USAGE } from "../../../src/contracts/usage.ts";
import { awakeMsOf, billedOf, billOfMonth, monthOf, sumOf } from "../../../src/elastic/bill.ts";
import { priceOf, PRICES } from "../../../src/elastic/prices.ts";

const MONTH_MS = 30 * 86_400_000;

test("[EL54] twenty frames are one request; calls, upgrades and alarms are one each", () => {
  const usage = { ...NO_USAGE, calls: 3, upgrades: 5, alarms: 7, frames: 40, rowsRead: 11, rowsWritten: 13 };
  expect(billedOf(usage)).toMatchObject({
    workerRequests: 5,
    objectRequests: 17,
    rowsRead: 11,
    rowsWritten: 13,
  });
});

test("[EL54] an object that waits for a second is awake for a second, and work adds its time", () => {
  const waited = { ...NO_USAGE, awakeMs: 1_000 };
  expect(awakeMsOf(waited)).toBe(1_000);
  expect(billedOf(waited).objectGbSeconds).toBeCloseTo(0.128);
  expect(awakeMsOf({ ...waited, deliveries: 100_000 })).toBeGreaterThan(1_500);
});

test("[EL54] the usage of a day, at the rate of a month, is thirty times as much", () => {
  const usage = { ...NO_USAGE, rowsWritten: 4_000_000 };
  const month = monthOf(usage, { since: 0, now: MONTH_MS / 30 });
  expect(month.rowsWritten).toBeCloseTo(120_000_000);
  expect(priceOf(month)).toBeCloseTo(120);
  // 50 million rows are included.
  expect(billOfMonth(month)).toMatchObject({ plan: 5, rowsWritten: expect.closeTo(70) as number });
  expect(billOfMonth(month).total).toBeCloseTo(75);
  expect(billOfMonth(month).listPrice).toBeCloseTo(120);
});

test("[EL54] the first seconds of an object are no rate", () => {
  const calls = { ...NO_USAGE, calls: 1 };
  const first = monthOf(calls, { since: 1_000, now: 1_001 });
  expect(first).toEqual(monthOf(calls, { since: 1_000, now: 61_000 }));
});

test("[EL54] what the plan includes is taken off the sum, not off each part", () => {
  const part = { ...billedOf(NO_USAGE), objectRequests: PRICES.objectRequests.included };
  expect(billOfMonth(part).total).toBe(PRICES.planPerMonth);
  expect(billOfMonth(sumOf([part, part])).objectRequests).toBeCloseTo(0.15);
});
