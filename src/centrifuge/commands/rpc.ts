import { hookSession } from "../../shard/connections/session.ts";
import type { CommandOf } from "../command.ts";
import { fail, type Client, type Context } from "../context.ts";
import { encodeReply } from "../reply.ts";

/** Has the deployment's own code answer, where it has a hook for that. */
export async function rpc(
  context: Context,
  { session, open }: Client,
  { id, body }: CommandOf<"rpc">,
): Promise<void> {
  const { asker, connections } = context;
  if (open.operator === true) return fail(context, session, { id, error: "permissionDenied" });
  const asked = await asker.rpc(hookSession(open), { method: body.method ?? "", data: body.data });
  if (session.ended) return;
  if (asked === undefined) return fail(context, session, { id, error: "notAvailable" });
  if (asked.kind === "error") return fail(context, session, { id, error: asked.error });
  if (asked.kind === "disconnect") return connections.close(session, asked.close);
  connections.send(session, encodeReply(id, "rpc", { data: asked.change.data ?? null }));
}
