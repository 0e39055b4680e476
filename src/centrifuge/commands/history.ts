import { callAgain } from "../../platform/call.ts";
import { channelStub } from "../../platform/stubs.ts";
import { parseChannel } from "../../policy/channel-name.ts";
import type { CommandOf } from "../command.ts";
import { mayHistory } from "../../policy/permissions.ts";
import { encodeError, encodeHistory } from "../reply.ts";
import type { Clients } from "../../shard/clients.ts";
import type { Open, Session } from "../../shard/connections/session.ts";

/** Publications that a channel keeps, or its position alone. */
export async function history(
  clients: Clients,
  session: Session,
  open: Open,
  command: CommandOf<"history">,
): Promise<void> {
  const { id, body } = command;
  const parsed = parseChannel(body.channel, clients.config.cluster.limits.channelBytes);
  if (!parsed.ok) return clients.send(session, encodeError(id, "badRequest"));
  const plan = mayHistory({
    config: clients.config,
    channel: parsed.channel,
    user: open.user,
    subscribed: open.subscriptions.has(body.channel),
  });
  if (plan !== "allowed") return clients.send(session, encodeError(id, plan));
  const { since } = body;
  const query = {
    limit: body.limit ?? 0,
    reverse: body.reverse === true,
    since: since === undefined ? null : { offset: since.offset ?? 0, logEpoch: since.epoch ?? "" },
  };
  try {
    const answer = await callAgain(() => channelStub(clients.env, body.channel).history(query));
    const { refused } = answer;
    clients.send(session, refused === null ? encodeHistory(id, answer) : encodeError(id, refused));
  } catch (error) {
    console.error("a history could not be asked", error);
    clients.send(session, encodeError(id, "internal"));
  }
}
