import { spend } from "../shard/connections/budgets.ts";
import type { Session } from "../shard/connections/session.ts";
import type { Front, Service } from "../shard/front.ts";
import type { Schemas } from "../typed/schemas.ts";
import { parseFrame, type Command } from "./command.ts";
import { connect } from "./commands/connect.ts";
import { history } from "./commands/history.ts";
import { presence } from "./commands/presence.ts";
import { publish } from "./commands/publish.ts";
import { refresh } from "./commands/refresh.ts";
import { rpc } from "./commands/rpc.ts";
import { refreshSubscription, subscribe, unsubscribe } from "./commands/subscribe.ts";
import { disconnect, fail, type Context } from "./context.ts";
import { CentrifugeWire } from "./wire.ts";

/** The front of stock Centrifuge clients (docs/protocol.md). `schemas`: what they may publish. */
export function centrifugeFront(schemas?: Schemas): Front {
  const wire = new CentrifugeWire();
  return {
    name: "centrifuge",
    wire,
    serve: (core) => ({ frame: serveCommands({ ...core, wire, schemas }) }),
  };
}

/**
 * Carries out the frames of clients, command after command.
 *
 * A frame that cannot be read closes the connection with 3501; a command that comes too fast is refused with 111, and a
 * client that does not heed that is closed with 3013.
 */
function serveCommands(context: Context): Service["frame"] {
  return async (session, text) => {
    if (typeof text !== "string") return disconnect(context, session, "badRequest");
    const frame = parseFrame(text);
    if (!frame.ok) return disconnect(context, session, "badRequest");
    if (isRefused(session) && frame.commands.length > 0) return disconnect(context, session, "badRequest");
    for (const command of frame.commands) {
      if (session.ended) return;
      const now = Date.now();
      if (spend(session, "commands", { now })) await runCommand(context, session, command);
      else if (!spend(session, "refusals", { now })) return disconnect(context, session, "tooManyRequests");
      else if (command.id !== 0) fail(context, session, { id: command.id, error: "tooManyRequests" });
    }
  };
}

const isRefused = ({ attachment }: Session): boolean =>
  attachment.state === "opening" && attachment.refused === true;

async function runCommand(context: Context, session: Session, command: Command): Promise<void> {
  if (command.kind === "connect") return connect(context, session, command);
  const { attachment: open } = session;
  if (open.state === "opening") {
    // The stock SDK sends its subscribes in one frame with a connect that may just have failed (docs/protocol.md C10).
    if (open.refused !== true) disconnect(context, session, "badRequest");
    return;
  }
  switch (command.kind) {
    case "subscribe":
      return subscribe(context, { session, open }, command);
    case "unsubscribe":
      return unsubscribe(context, { session, open }, command);
    case "publish":
      return publish(context, { session, open }, command);
    case "presence":
    case "presence_stats":
      return presence(context, { session, open }, command);
    case "refresh":
      return refresh(context, { session, open }, command);
    case "sub_refresh":
      return refreshSubscription(context, { session, open }, command);
    case "history":
      return history(context, { session, open }, command);
    case "rpc":
      return rpc(context, { session, open }, command);
    case "send":
      return disconnect(context, session, "notAvailable");
  }
}
