import type { Log } from "./log.ts";

/**
 * Expires a log whose top stays until a time, ms since 1970, as shards listen (`Infinity`) or have listened a while ago:
 * their listeners may come back and go on where they were (SPEC LG3).
 */
export function expireHeld(log: Log, now: number, heldUntil: number): number | undefined {
  const due = log.expire(now, { inUse: now < heldUntil });
  const isHeldForAWhile = log.durable && now < heldUntil && heldUntil !== Infinity;
  return isHeldForAWhile ? Math.min(due ?? Infinity, heldUntil) : due;
}
