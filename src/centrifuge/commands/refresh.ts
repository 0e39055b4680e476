import { isOperator } from "../../shard/connections/identify.ts";
import { PROTOCOL_VERSION } from "../../version.ts";
import type { CommandOf } from "../command.ts";
import { disconnect, fail, type Client, type Context } from "../context.ts";
import { encodeReply } from "../reply.ts";
import { timeToLive } from "./time-to-live.ts";

/** Prolongs a connection with a new token of the same user. */
export async function refresh(
  context: Context,
  { session, open }: Client,
  { id, body }: CommandOf<"refresh">,
): Promise<void> {
  const { connections, verifier } = context;
  const verdict = await verifier.connection(body.token);
  if (session.ended) return;
  if (!verdict.ok) {
    if (verdict.reason === "unavailable") return fail(context, session, { id, error: "internal" });
    return disconnect(context, session, verdict.reason === "expired" ? "expired" : "invalidToken");
  }
  const { claims } = verdict;
  // An operator's session has the empty user too, and an application's token does not prolong it (SPEC AU8).
  if (claims.user !== open.user || isOperator(claims) !== (open.operator === true))
    return disconnect(context, session, "invalidToken");
  // The session as it is now: a subscription may have expired while the token was verified.
  if (session.attachment.state !== "open") return;
  const { expiresAt: _old, ...rest } = session.attachment;
  const expiresAt = claims.expiresAt === undefined ? undefined : claims.expiresAt * 1000;
  const after = { ...rest, ...(expiresAt === undefined ? {} : { expiresAt }) };
  if (!connections.sessions.remember(session, after))
    return fail(context, session, { id, error: "internal" });
  const ttl = timeToLive(expiresAt, Date.now());
  connections.send(
    session,
    encodeReply(id, "refresh", { client: open.id, version: PROTOCOL_VERSION, ...ttl }),
  );
}
