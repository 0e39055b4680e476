import { parseFrame, type Command } from "../command.ts";
import { encodeError } from "../reply.ts";
import type { Clients } from "../../shard/clients.ts";
import type { Open, Session } from "../../shard/connections/session.ts";
import { connect } from "./connect.ts";
import { history } from "./history.ts";
import { presence, type RemotePresence } from "./presence.ts";
import { publish } from "./publish.ts";
import { refresh } from "./refresh.ts";
import { rpc } from "./rpc.ts";
import { refreshSubscription, subscribe, unsubscribe } from "./subscribe.ts";

/**
 * Carries out one frame of a client, command after command. The caller keeps the frames of a session apart.
 *
 * What cannot be read closes the connection with 3501; what comes too fast is refused with 111, and a client that
 * does not heed that is closed with 3013.
 */
export async function runFrame(
  clients: Clients,
  remote: RemotePresence,
  session: Session,
  text: string,
): Promise<void> {
  const frame = parseFrame(text);
  if (!frame.ok) return clients.disconnect(session, "badRequest");
  if (session.attachment.state === "opening" && session.attachment.refused && frame.commands.length > 0) {
    return clients.disconnect(session, "badRequest");
  }
  for (const command of frame.commands) {
    if (!clients.sessions.has(session)) return;
    if (!session.commands.take(Date.now())) {
      if (!session.refusals.take(Date.now())) return clients.disconnect(session, "tooManyRequests");
      if (command.id !== 0) clients.send(session, encodeError(command.id, "tooManyRequests"));
      continue;
    }
    await runCommand(clients, remote, session, command);
  }
}

async function runCommand(
  clients: Clients,
  remote: RemotePresence,
  session: Session,
  command: Command,
): Promise<void> {
  if (command.kind === "connect") return connect(clients, session, command);
  const { attachment } = session;
  if (attachment.state === "opening") {
    // The stock SDK sends its subscribes in one frame with a connect that may just have failed.
    if (attachment.refused !== true) clients.disconnect(session, "badRequest");
    return;
  }
  return runOpen(clients, remote, session, attachment, command);
}

async function runOpen(
  clients: Clients,
  remote: RemotePresence,
  session: Session,
  open: Open,
  command: Exclude<Command, { kind: "connect" }>,
): Promise<void> {
  switch (command.kind) {
    case "subscribe":
      return subscribe(clients, session, open, command);
    case "unsubscribe":
      return unsubscribe(clients, session, command);
    case "publish":
      return publish(clients, session, open, command);
    case "presence":
    case "presence_stats":
      return presence(clients, remote, session, open, command);
    case "refresh":
      return refresh(clients, session, open, command);
    case "sub_refresh":
      return refreshSubscription(clients, session, open, command);
    case "history":
      return history(clients, session, open, command);
    case "rpc":
      return rpc(clients, session, open, command);
    case "send":
      return clients.disconnect(session, "notAvailable");
  }
}
