import type { ClusterConfig } from "../../config/cluster.ts";
import type { Frame } from "../frame.ts";

export type BudgetLimits = Pick<ClusterConfig["limits"], "commandBurst" | "commandsPerSecond">;

/** A command may be carried out or refused, and each may be a frame of its own. */
const TIMES = { frames: 2, commands: 1, refusals: 1 } as const;
type Name = keyof typeof TIMES;

/**
 * The rest of the budgets of a session at `at` (ms since 1970): of `frames` before a frame waits, of `commands`
 * before one is carried out, of `refusals` before one is refused. A client without refusals left is closed, as it has not
 * heeded them. One object for the three, as every session has it.
 */
type Left = Record<Name | "at", number>;

/** A session has no object while it has spent nothing: most sessions of a shard that wakes have no frame. */
export type Budgets = { readonly limits: BudgetLimits; budgets: Left | undefined };

/**
 * Takes `cost` from a budget, if it is there. A cost above the burst needs a full budget, and takes all of it. A budget
 * starts full, and fills by `commandsPerSecond`.
 */
export function spend(
  session: Budgets,
  name: Name,
  { now, cost = 1 }: { readonly now: number; readonly cost?: number },
): boolean {
  const { commandBurst, commandsPerSecond } = session.limits;
  const left = (session.budgets ??= {
    frames: TIMES.frames * commandBurst,
    commands: commandBurst,
    refusals: commandBurst,
    at: now,
  });
  const added = (Math.max(0, now - left.at) / 1000) * commandsPerSecond;
  left.at = now;
  if (added > 0)
    for (const one of ["frames", "commands", "refusals"] as const)
      left[one] = Math.min(TIMES[one] * commandBurst, left[one] + TIMES[one] * added);
  const taken = Math.min(cost, TIMES[name] * commandBurst);
  if (left[name] < taken) return false;
  left[name] -= taken;
  return true;
}

/** Whether a frame has more bytes, as UTF-8, than `limit`; counted only where its length leaves it open. */
export function isLongerThan(frame: Frame, limit: number): boolean {
  if (frame.length > limit) return true;
  if (typeof frame !== "string" || frame.length * 3 <= limit) return false;
  return new TextEncoder().encode(frame).byteLength > limit;
}

export type FrameLimits = Pick<ClusterConfig["limits"], "frameTokenBytes" | "waitingFrames" | "waitingBytes">;

/**
 * Whether a frame may wait for its turn (SPEC BD23). It costs a token and one more for each `frameTokenBytes`, and a
 * session has so many frames and bytes waiting at most; orders of back ends are no frames of its client. Bytes are counted
 * as UTF-16 units. `now`: ms since 1970.
 */
export function admitFrame(
  session: Budgets & { readonly waitingFrames: number; readonly waitingUnits: number },
  { units, now, limits }: { readonly units: number; readonly now: number; readonly limits: FrameLimits },
): boolean {
  const cost = 1 + Math.floor(units / limits.frameTokenBytes);
  if (!spend(session, "frames", { now, cost })) return false;
  if (session.waitingFrames === 0) return true;
  return session.waitingFrames < limits.waitingFrames && session.waitingUnits + units <= limits.waitingBytes;
}
