import type { CommandOf } from "../command.ts";
import { encodeError, encodeReply } from "../reply.ts";
import { PROTOCOL_VERSION } from "../../version.ts";
import type { Clients } from "../../shard/clients.ts";
import type { Open, Session } from "../../shard/connections/session.ts";
import { timeToLive } from "./time-to-live.ts";

/** Prolongs a connection with a new token of the same user. */
export async function refresh(
  clients: Clients,
  session: Session,
  open: Open,
  command: CommandOf<"refresh">,
): Promise<void> {
  const verdict = await clients.verifier.connection(command.body.token);
  if (!clients.sessions.has(session)) return;
  if (!verdict.ok) {
    if (verdict.reason === "unavailable") return clients.send(session, encodeError(command.id, "internal"));
    return clients.disconnect(session, verdict.reason === "expired" ? "expired" : "invalidToken");
  }
  const { claims } = verdict;
  if (claims.user !== open.user) return clients.disconnect(session, "invalidToken");
  // What the session is now: a subscription may have expired while the token was verified.
  if (session.attachment.state !== "open") return;
  const { expiresAt: _old, ...rest } = session.attachment;
  const expiresAt = claims.expiresAt === undefined ? undefined : claims.expiresAt * 1000;
  clients.sessions.remember(session, { ...rest, ...(expiresAt === undefined ? {} : { expiresAt }) });
  clients.send(
    session,
    encodeReply(command.id, "refresh", {
      client: open.id,
      version: PROTOCOL_VERSION,
      ...timeToLive(expiresAt, Date.now()),
    }),
  );
}
