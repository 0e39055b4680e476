import { CONTRACT } from "../../contracts/version.ts";
import { callAgainWithin, channelStub } from "../../platform/calls.ts";
import { logError } from "../../platform/logger.ts";
import { digestFor } from "../../platform/user-digest.ts";
import { parseChannel } from "../../policy/channels.ts";
import { mayHistory } from "../../policy/permissions.ts";
import { mayReach } from "../../shard/connections/new-channels.ts";
import type { CommandOf } from "../command.ts";
import { fail, type Client, type Context } from "../context.ts";
import { encodeHistory } from "../reply.ts";

/** Publications that a channel keeps, or its position alone. */
export async function history(
  context: Context,
  { session, open }: Client,
  { id, body }: CommandOf<"history">,
): Promise<void> {
  const { config, connections, env } = context;
  const parsed = parseChannel(body.channel, config.cluster.limits.channelBytes);
  if (!parsed.ok) return fail(context, session, { id, error: "badRequest" });
  const { channel } = parsed;
  const subscribed = open.subscriptions.has(channel.name);
  const digest = channel.users && (await digestFor(channel, open.user));
  const permission = mayHistory({
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
  const { since } = body;
  const query = {
    limit: body.limit ?? 0,
    reverse: body.reverse === true,
    since: since === undefined ? null : { offset: since.offset ?? 0, logEpoch: since.epoch ?? "" },
  };
  try {
    // The client's next commands wait for it (SPEC BD101).
    const answer = await callAgainWithin(config.cluster.times.deliveryTimeoutMs, () =>
      channelStub(env, channel.name).history(query, CONTRACT),
    );
    if (answer.refused !== null) return fail(context, session, { id, error: answer.refused });
    connections.send(session, encodeHistory(id, answer));
  } catch (error) {
    logError("a channel did not answer with its history", {
      channel: channel.name,
      session: open.id,
      error,
    });
    fail(context, session, { id, error: "internal" });
  }
}
