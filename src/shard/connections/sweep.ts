import type { ClusterConfig } from "../../config/cluster.ts";
import type { Wire } from "../wire.ts";
import type { Connections } from "./connections.ts";
import { subscriptionsOf, type Session } from "./session.ts";

type Times = ClusterConfig["times"];

export type SweepParts = {
  readonly connections: Connections;
  readonly times: Times;
  /** Ends an expired subscription that the client has made, and tells the client. */
  readonly endSubscription: (session: Session, channel: string) => void;
};

/** When a session next needs a look, in ms since 1970; undefined if it has no part that expires. */
export function nextDeadline({ attachment, busy }: Session, times: Times, now: number): number | undefined {
  // While its `connect` is carried out (a key may have to be fetched), a connection is not stale.
  if (attachment.state === "opening") {
    return Math.max(attachment.openedAt, busy > 0 ? now : 0) + times.staleConnectionMs;
  }
  let next = attachment.expiresAt;
  for (const { expiresAt } of attachment.subscriptions.values()) {
    if (expiresAt !== undefined && (next === undefined || expiresAt < next)) next = expiresAt;
  }
  return next === undefined ? undefined : next + times.expiredGraceMs;
}

/**
 * Ends what has run out by `now`: connections that never said `connect` (stale), connections that expired and were not
 * refreshed, and expired subscriptions: those that the server made end their session. Answers with the next deadline.
 */
export function sweep(parts: SweepParts, now: number): number | undefined {
  const { connections, times } = parts;
  let next: number | undefined;
  for (const session of connections.sessions) {
    const deadline = nextDeadline(session, times, now);
    if (deadline === undefined) continue;
    if (deadline <= now) sweepOne(parts, session, now);
    if (session.ended) continue;
    const after = nextDeadline(session, times, now);
    if (after !== undefined && (next === undefined || after < next)) next = after;
  }
  return next;
}

function sweepOne({ connections, times, endSubscription }: SweepParts, session: Session, now: number): void {
  const { attachment } = session;
  const { expiredGraceMs } = times;
  if (attachment.state === "opening") return connections.end(session, "stale");
  if (attachment.expiresAt !== undefined && attachment.expiresAt + expiredGraceMs <= now) {
    return connections.end(session, "expired");
  }
  for (const [channel, { expiresAt, byServer }] of subscriptionsOf(session)) {
    if (expiresAt === undefined || expiresAt + expiredGraceMs > now) continue;
    if (byServer === true) return connections.end(session, "subscriptionExpired");
    endSubscription(session, channel);
  }
}

/**
 * Sends every open session its ping, unless its front does, and drops those that have not answered the one before. A
 * connection that is pinged from its start gets no ping in its first moments; with the next alarm it is still in time.
 *
 * `previousPingAt` is when that was. A session that has shown no life since is dead, provided that it had
 * `pongTimeoutMs` for it, or as many pings as come in that time: an alarm that comes late, or early, kills no session.
 */
export function pingAll(
  { connections, times, heartbeat }: Pick<SweepParts, "connections" | "times"> & Pick<Wire, "heartbeat">,
  { now, previousPingAt }: { readonly now: number; readonly previousPingAt: number },
): void {
  const { pingIntervalMs, pongTimeoutMs } = times;
  const patient = now - previousPingAt > Math.min(pongTimeoutMs, pingIntervalMs - 1);
  const unansweredSince = previousPingAt - Math.max(0, pongTimeoutMs - pingIntervalMs);
  for (const session of connections.sessions) {
    if (session.pingedBy === "front") continue;
    const { state, openedAt } = session.attachment;
    const isDue = heartbeat.isFromStart === true ? now - openedAt >= pongTimeoutMs / 2 : state !== "opening";
    if (!isDue) continue;
    if (patient && connections.seenAt(session) < unansweredSince) connections.end(session, "noPong");
    else connections.send(session, heartbeat.ping);
  }
}
