import type { CommandOf } from "../command.ts";
import { encodeError, encodeReply } from "../reply.ts";
import type { Clients } from "../../shard/clients.ts";
import { hookSession, type Open, type Session } from "../../shard/connections/session.ts";

/** Has the deployment's own code answer, where there is any. */
export async function rpc(
  clients: Clients,
  session: Session,
  open: Open,
  { id, body }: CommandOf<"rpc">,
): Promise<void> {
  const asked = await clients.ask.rpc(hookSession(open), { method: body.method ?? "", data: body.data });
  if (!clients.sessions.has(session)) return;
  if (asked === undefined) return clients.send(session, encodeError(id, "notAvailable"));
  if (asked.kind === "error") return clients.send(session, encodeError(id, asked.error));
  if (asked.kind === "disconnect") return clients.end(session, asked.close);
  clients.send(session, encodeReply(id, "rpc", { data: asked.change.data ?? null }));
}
