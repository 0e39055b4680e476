import type { ScalePolicy } from "../../../src/elastic/policy.ts";

export const POLICY: ScalePolicy = {
  min: 1,
  max: 64,
  step: 8,
  mark: 0.75,
  pressureMark: 0.9,
  target: 0.5,
  reportMs: 60_000,
  lowForMs: 600_000,
  settleMs: 900_000,
  youngMs: 300_000,
  regionMin: 500,
  opens: ["weur", "enam"],
};

/** In seconds. */
export const HOUR = 3_600;
