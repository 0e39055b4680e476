import type { Position } from "../../contracts/publication.ts";
import { bytesOf, type Recovery } from "../../log/recovery.ts";
import type { Tracking } from "../../policy/tracking.ts";
import type { Subscription } from "../connections/session.ts";

/** How a subscription begins. */
export type Start = {
  readonly subscription: Subscription;
  readonly tracking: Tracking;
  /** No publication at or before it will be sent; null where nothing is kept. */
  readonly position: Position | null;
  /** Null where the client did not resume. */
  readonly recovery: Recovery | null;
  /** The position that the client resumes from, if it does. */
  readonly since: Position | undefined;
};

/** Bounds the resumes that one answer has together, in characters of their bodies; more begin anew (SPEC BD45). */
export function shareAnswer(most: number): (start: Start) => Start {
  let left = most;
  return (start) => {
    if (start.recovery?.kind !== "resume") return start;
    const bytes = bytesOf(start.recovery.publications);
    if (bytes > left) return { ...start, recovery: { kind: "restart", reason: "too much for one answer" } };
    left -= bytes;
    return start;
  };
}
