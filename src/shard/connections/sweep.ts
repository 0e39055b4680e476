import type { Config } from "../../config.ts";
import { encodeUnsubscribe } from "../../centrifuge/push.ts";
import type { Clients } from "../clients.ts";
import { subscriptionsOf, type Session } from "./session.ts";

type Times = Config["cluster"]["times"];

/** When a session next needs a look, in ms since 1970; undefined if nothing of it can run out. */
export function nextDeadline(session: Session, times: Times, now: number): number | undefined {
  const { attachment } = session;
  // While its `connect` is in work (a key may have to be fetched), a connection is not stale.
  if (attachment.state === "opening") {
    return Math.max(attachment.openedAt, session.busy > 0 ? now : 0) + times.staleConnectionMs;
  }
  let next = attachment.expiresAt;
  for (const { expiresAt } of attachment.subscriptions.values()) {
    if (expiresAt !== undefined && (next === undefined || expiresAt < next)) next = expiresAt;
  }
  return next === undefined ? undefined : next + times.expiredGraceMs;
}

/**
 * Ends what has run out by `now`: connections that never said `connect` (3502), expired and not refreshed (3005),
 * and expired subscriptions (2501, or 3006 where the server made them). Answers with the next deadline.
 */
export function sweep(clients: Clients, now: number): number | undefined {
  const { times } = clients.config.cluster;
  let next: number | undefined;
  for (const session of clients.sessions) {
    const deadline = nextDeadline(session, times, now);
    if (deadline === undefined) continue;
    if (deadline <= now) sweepOne(clients, session, now);
    if (!clients.sessions.has(session)) continue;
    const after = nextDeadline(session, times, now);
    if (after !== undefined && (next === undefined || after < next)) next = after;
  }
  return next;
}

function sweepOne(clients: Clients, session: Session, now: number): void {
  const { attachment } = session;
  const { expiredGraceMs } = clients.config.cluster.times;
  if (attachment.state === "opening") return clients.disconnect(session, "stale");
  if (attachment.expiresAt !== undefined && attachment.expiresAt + expiredGraceMs <= now) {
    return clients.disconnect(session, "expired");
  }
  for (const [channel, { expiresAt, byServer }] of subscriptionsOf(session)) {
    if (expiresAt === undefined || expiresAt + expiredGraceMs > now) continue;
    if (byServer === true) return clients.disconnect(session, "subscriptionExpired");
    clients.unsubscribe(session, channel);
    clients.send(session, encodeUnsubscribe(channel, "expired"));
  }
}

/**
 * Sends every open session its ping, and drops those that have not answered the one before (3012).
 *
 * `previousPingAt` is when that was. A session that has shown no life since is dead, provided that it had
 * `pongTimeoutMs` for it: an alarm that comes late, or early, kills nobody.
 */
export function pingAll(clients: Clients, now: number, previousPingAt: number, pingFrame: string): void {
  const patient = now - previousPingAt > clients.config.cluster.times.pongTimeoutMs;
  for (const session of clients.sessions) {
    if (session.attachment.state !== "open") continue;
    if (patient && clients.seenAt(session) < previousPingAt) clients.disconnect(session, "noPong");
    else clients.send(session, pingFrame);
  }
}
