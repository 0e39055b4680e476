import type { Session } from "../../shard/connections/session.ts";
import type { Context } from "../context.ts";

/**
 * The sessions that end where a user opens one more connection on this shard; undefined where the user may not (SPEC
 * BD25). MUST be asked in the turn in which the session opens, and before. A connection without a user has no such limit.
 */
export function replacedBy(context: Context, user: string): readonly Session[] | undefined {
  const { max, over } = context.config.cluster.limits.connectionsPerUser;
  if (max === 0 || user === "") return [];
  const others = context.connections.sessions.ofUser(user);
  if (others.length < max) return [];
  if (over === "refuse") return undefined;
  const byAge = others.toSorted((a, b) => a.attachment.openedAt - b.attachment.openedAt);
  return byAge.slice(0, others.length - max + 1);
}
