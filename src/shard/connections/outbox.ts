import type { ClusterConfig } from "../../config/cluster.ts";
import type { Session } from "./session.ts";

/** How many times the limit may be queued before even a reader that has just been probed is given up. */
const HARD_FACTOR = 8;

export type SendResult = "sent" | "slow" | "gone";

/** `ping`: the frame that a peer answers by itself; `answeredAt`: when the runtime last absorbed such an answer. */
export type SendContext = {
  readonly limits: Pick<ClusterConfig["limits"], "queuedBytes" | "slowReaderGraceMs">;
  readonly ping: string;
  readonly answeredAt: (socket: WebSocket) => number;
};

/**
 * Sends one frame, and watches what a reader leaves unread: `send()` itself never blocks, drops or closes.
 *
 * Where the runtime counts queued bytes (`bufferedAmount`), they decide; it is asked when as much may have been sent
 * since. Elsewhere the bytes sent since the last proof of reading do (counted as UTF-16 units): past half the limit
 * the peer is probed with a ping, and is slow when it has left the probe unanswered for the grace and the limit is
 * passed. The frames that it sends meanwhile prove nothing. `now` is the time of the turn, which stands still in it.
 */
export function sendFrame(session: Session, frame: string, now: number, context: SendContext): SendResult {
  const { limits } = context;
  try {
    session.socket.send(frame);
  } catch {
    return "gone";
  }
  session.unprovenBytes += frame.length;
  // A unit has three bytes at most, so no reader is past the limit unasked. Asking costs as much as all of the rest.
  if (session.unprovenBytes <= limits.queuedBytes / 4) return "sent";
  const buffered: unknown = Reflect.get(session.socket, "bufferedAmount");
  if (typeof buffered === "number") {
    session.unprovenBytes = buffered;
    return buffered > limits.queuedBytes ? "slow" : "sent";
  }
  if (session.unprovenBytes <= limits.queuedBytes / 2) return "sent";
  if (session.probedAt === undefined) {
    session.probedAt = now;
    session.unprovenBytes = limits.queuedBytes / 2;
    session.socket.send(context.ping);
    return "sent";
  }
  if (context.answeredAt(session.socket) >= session.probedAt) {
    session.probedAt = undefined;
    session.unprovenBytes = 0;
    return "sent";
  }
  if (session.unprovenBytes > limits.queuedBytes * HARD_FACTOR) return "slow";
  const ignored = now - session.probedAt > limits.slowReaderGraceMs;
  return ignored && session.unprovenBytes > limits.queuedBytes ? "slow" : "sent";
}
