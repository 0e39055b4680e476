import type { ClusterConfig } from "../../config/cluster.ts";
import type { Frame } from "../frame.ts";
import type { Session } from "./session.ts";

/** How many times the limit may be queued before even a reader that has just been probed is given up. */
const HARD_FACTOR = 8;

export type SendResult = "sent" | "slow" | "gone";

/** `ping`: the frame that a peer answers by itself; `answeredAt`: when such an answer last came. */
export type SendContext = {
  readonly limits: Pick<ClusterConfig["limits"], "queuedBytes" | "slowReaderGraceMs">;
  readonly ping: string;
  readonly answeredAt: (session: Session) => number;
  /** The bytes that all readers of the shard have left unread, as far as is known; the caller counts each send. */
  readonly unread: { bytes: number };
};

/**
 * Sends one frame, and watches what a reader leaves unread: `send()` itself never blocks, drops or closes (SPEC SE4).
 *
 * Where the runtime counts queued bytes (`bufferedAmount`), a reader is slow by what it has left of earlier turns: no
 * reader can read in the turn that sends. It is asked when as much may have been sent since.
 *
 * Elsewhere the bytes sent since the last proof of reading decide (counted as UTF-16 units): past half the limit the
 * peer is probed with a ping, and is slow when it has left the probe unanswered for the grace and the limit is passed.
 * The frames that it sends meanwhile prove nothing. `now` is the time of the turn, which stands still in it.
 */
export function sendFrame(session: Session, frame: Frame, now: number, context: SendContext): SendResult {
  const { queuedBytes } = context.limits;
  // A unit has three bytes at most, so no reader is past the limit unasked. Asking costs as much as all of the rest.
  if (session.unprovenBytes > queuedBytes / 4 && session.askedAt !== now && ask(session, now)) {
    if (session.unprovenBytes > queuedBytes) return "slow";
  }
  // Without this frame: one frame of any length closes no reader that reads.
  const tooMuch = session.unprovenBytes > queuedBytes * HARD_FACTOR;
  try {
    session.socket.send(frame);
  } catch {
    return "gone";
  }
  session.unprovenBytes += frame.length;
  if (session.askedAt !== undefined) return tooMuch ? "slow" : "sent";
  if (session.unprovenBytes <= queuedBytes / 2) return "sent";
  if (session.probedAt === undefined) {
    if (ask(session, now)) return "sent";
    session.unprovenBytes = queuedBytes / 2;
    probe(session, now, context);
    return "sent";
  }
  if (isProven(session, context)) {
    session.probedAt = undefined;
    session.unprovenBytes = 0;
    return "sent";
  }
  if (tooMuch) return "slow";
  const ignored = now - session.probedAt > context.limits.slowReaderGraceMs;
  return ignored && session.unprovenBytes > queuedBytes ? "slow" : "sent";
}

/**
 * Finds how much a reader has left unread, as far as that is known now; a reader that nothing is known of is probed.
 * Answers since when it owes an answer: undefined where it does not.
 */
export function settle(session: Session, now: number, context: SendContext): number | undefined {
  if (ask(session, now)) return session.unprovenBytes > 0 ? 0 : undefined;
  if (session.probedAt === undefined) probe(session, now, context);
  else if (isProven(session, context)) {
    session.probedAt = undefined;
    session.unprovenBytes = 0;
  }
  return session.probedAt;
}

/** Answers false where the runtime does not count. */
function ask(session: Session, now: number): boolean {
  const buffered: unknown = Reflect.get(session.socket, "bufferedAmount");
  if (typeof buffered !== "number") return false;
  session.askedAt = now;
  session.unprovenBytes = buffered;
  return true;
}

function probe(session: Session, now: number, { ping }: SendContext): void {
  session.probedAt = now;
  try {
    session.socket.send(ping);
  } catch {
    // Its close is on the way.
  }
}

const isProven = (session: Session, { answeredAt }: SendContext): boolean =>
  session.probedAt !== undefined && answeredAt(session) >= session.probedAt;
