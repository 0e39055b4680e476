import { disconnect, type Context } from "../context.ts";

/**
 * Whether a user may have one more connection on this shard; where the limit replaces, its oldest ends (SPEC BD25).
 * MUST be asked in the turn in which the session opens. A connection without a user has no such limit.
 */
export function admitUser(context: Context, user: string): boolean {
  const { max, over } = context.config.cluster.limits.connectionsPerUser;
  if (max === 0 || user === "") return true;
  const others = context.connections.sessions.ofUser(user);
  if (others.length < max) return true;
  if (over === "refuse") return false;
  const byAge = others.toSorted((a, b) => a.attachment.openedAt - b.attachment.openedAt);
  for (const oldest of byAge.slice(0, others.length - max + 1))
    disconnect(context, oldest, "connectionLimit");
  return true;
}
