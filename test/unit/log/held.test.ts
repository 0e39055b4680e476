import { expect, test } from "vitest";
import { expireHeld } from "../../../src/log/held.ts";
import { durable, LIMITS, MINUTE } from "./durable.ts";
import { publish, START } from "./log-contract.ts";

test("[LG3] a quiet log keeps its epoch for a while after its last listener has gone, and is looked at then", () => {
  const { log } = durable();
  const { logEpoch } = log;
  publish(log, "a");
  const leftAt = START + 24 * 60 * MINUTE;
  // Everything has run out while a shard listened.
  for (let now = START; now < leftAt; now += 5 * MINUTE) expireHeld(log, now, Infinity);
  const heldUntil = leftAt + LIMITS.metaTtlMs;
  expect(expireHeld(log, leftAt, Infinity)).toBeUndefined();
  expect(expireHeld(log, leftAt, heldUntil)).toBe(heldUntil);
  expect([log.logEpoch, log.top]).toEqual([logEpoch, 1]);
  expect(expireHeld(log, heldUntil, heldUntil)).toBeUndefined();
  expect(log.top).toBe(0);
  expect(log.logEpoch).not.toBe(logEpoch);
});
