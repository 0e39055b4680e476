import type { Present } from "../../contracts/publication.ts";
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

  let present: ReadonlyMap<string, Present>;
  try {
    present = await subscriptions.presence.everywhere(channel.name);
  } catch (error) {
    logError("a channel did not answer with its presence", {
      channel: channel.name,
      session: open.id,
      error,
    });
    return fail(context, session, { id, error: "internal" });
  }
  if (kind === "presence") return connections.send(session, encodePresence(id, present.values()));
  const users = new Set([...present.values()].map(({ user }) => user));
  const stats = { num_clients: present.size, num_users: users.size };
  connections.send(session, encodeReply(id, "presence_stats", stats));
}
