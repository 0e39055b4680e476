import { logError } from "../../platform/logger.ts";
import { digestFor } from "../../platform/user-digest.ts";
import { parseChannel } from "../../policy/channels.ts";
import { mayPresence } from "../../policy/permissions.ts";
import { mayReach } from "../../shard/connections/new-channels.ts";
import type { CommandOf } from "../command.ts";
import { fail, type Client, type Context } from "../context.ts";
import { encodePresence, encodeReply } from "../reply.ts";

/** The clients of a channel, or how many there are. */
export async function presence(
  context: Context,
  { session, open }: Client,
  { kind, id, body }: CommandOf<"presence"> | CommandOf<"presence_stats">,
): Promise<void> {
  const { config, connections, subscriptions } = context;
  const parsed = parseChannel(body.channel, config.cluster.limits.channelBytes);
  if (!parsed.ok) return fail(context, session, { id, error: "badRequest" });
  const { channel } = parsed;
  const subscribed = open.subscriptions.has(channel.name);
  const digest = channel.users && (await digestFor(channel, open.user));
  const permission = mayPresence({
    config,
    channel,
    user: open.user,
    operator: open.operator,
    digest,
    subscribed,
  });
  if (permission !== "allowed") return fail(context, session, { id, error: permission });
  if (!subscribed && !mayReach(session, channel.name, config.cluster.limits))
    return fail(context, session, { id, error: "tooManyRequests" });

  const { presence: present } = subscriptions;
  try {
    if (kind === "presence") {
      const list = await present.everywhere(channel.name);
      if (list.kind === "tooLarge") return fail(context, session, { id, error: "limitExceeded" });
      return connections.send(session, encodePresence(id, list.present));
    }
    const { clients, users } = await present.countEverywhere(channel.name);
    const stats = { num_clients: clients, num_users: users };
    connections.send(session, encodeReply(id, "presence_stats", stats));
  } catch (error) {
    logError("a channel did not answer with its presence", {
      channel: channel.name,
      session: open.id,
      error,
    });
    fail(context, session, { id, error: "internal" });
  }
}
