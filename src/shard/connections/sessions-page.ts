import type { Config } from "../../config/config.ts";
import type { SessionsLimit, SessionsPage, SessionSummary } from "../../contracts/shard.ts";
import { isBroadcast } from "../../policy/channels.ts";
import { subscriptionsOf, type Session } from "./session.ts";

/** For release 0.2.0, which sets no limit: as many as one call holds. */
export const RELEASE_BEFORE_SESSIONS: SessionsLimit = { sessions: 10_000, bytes: 16_777_216 };

/** The bytes of a summary without its texts, about. */
const SUMMARY_BYTES = 128;

/** The sessions of a user on one shard, as operators see them; the first fits always (SPEC BD40). */
export function pageOfSessions(
  sessions: readonly Session[],
  parts: { readonly limit: SessionsLimit; readonly shard: string; readonly config: Config },
): SessionsPage {
  const { limit, shard, config } = parts;
  const page: SessionSummary[] = [];
  let size = 0;
  for (const session of sessions) {
    const { attachment } = session;
    if (page.length === limit.sessions || attachment.state !== "open") break;
    const { id: client, user, key, openedAt: connectedAt } = attachment;
    const channels = [...subscriptionsOf(session).keys()].filter((name) => !isBroadcast(config, name));
    size += SUMMARY_BYTES + user.length + key.length;
    for (const name of channels) size += name.length;
    if (page.length > 0 && size > limit.bytes) break;
    page.push({ client, user, key, shard, connectedAt, channels });
  }
  return { sessions: page, more: page.length < sessions.length };
}
