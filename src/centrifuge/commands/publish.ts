import { callAgain } from "../../platform/call.ts";
import { channelStub } from "../../platform/stubs.ts";
import { parseChannel } from "../../policy/channel-name.ts";
import type { CommandOf } from "../command.ts";
import { mayPublish } from "../../policy/permissions.ts";
import { encodePublication } from "../push.ts";
import { encodeError, encodeReply } from "../reply.ts";
import type { Clients } from "../../shard/clients.ts";
import { hookSession, subscriptionsOf, type Open, type Session } from "../../shard/connections/session.ts";

/** Publishes for a client. Answered when the channel has it; a failure that says nothing is tried again by id. */
export async function publish(
  clients: Clients,
  session: Session,
  open: Open,
  command: CommandOf<"publish">,
): Promise<void> {
  const { id, body } = command;
  const parsed = parseChannel(body.channel, clients.config.cluster.limits.channelBytes);
  if (!parsed.ok || body.data === undefined) return clients.send(session, encodeError(id, "badRequest"));
  const { channel } = parsed;
  // While a hook thinks, the session may end or lose its subscription.
  const asking = () => ({
    config: clients.config,
    channel,
    user: open.user,
    subscribed: subscriptionsOf(session).has(body.channel),
  });
  const mayBe = mayPublish({ ...asking(), granted: true });
  if (mayBe !== "allowed") return clients.send(session, encodeError(id, mayBe));
  const asked = await clients.ask.publish(hookSession(open), { channel: channel.name, data: body.data });
  if (!clients.sessions.has(session)) return;
  if (asked.kind === "error") return clients.send(session, encodeError(id, asked.error));
  if (asked.kind === "disconnect") return clients.end(session, asked.close);
  const { allow, data = body.data, tags } = asked.change;
  const plan = mayPublish({ ...asking(), granted: allow === true });
  if (plan !== "allowed") return clients.send(session, encodeError(id, plan));

  const publication = {
    id: crypto.randomUUID(),
    body: encodePublication({
      data,
      info: clients.infoOf(session, body.channel),
      ...(tags === undefined ? {} : { tags }),
    }),
  };
  try {
    const { refused } = await callAgain(() => channelStub(clients.env, body.channel).publish(publication));
    if (refused !== null) return clients.send(session, encodeError(id, "limitExceeded"));
  } catch (error) {
    console.error("a publication failed", error);
    return clients.send(session, encodeError(id, "internal"));
  }
  clients.send(session, encodeReply(id, "publish", {}));
}
