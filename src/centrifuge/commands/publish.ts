import { describeClient, encodePublication } from "../../contracts/publication.ts";
import { PASS, type Asked } from "../../hooks/ask.ts";
import type { PublishChange } from "../../hooks/hooks.ts";
import { logError } from "../../platform/logger.ts";
import { digestFor } from "../../platform/user-digest.ts";
import { parseChannel } from "../../policy/channels.ts";
import { mayPublish } from "../../policy/permissions.ts";
import { mayReach } from "../../shard/connections/new-channels.ts";
import { hookSession } from "../../shard/connections/session.ts";
import { problemOf } from "../../typed/schemas.ts";
import type { CommandOf } from "../command.ts";
import { fail, failPolicy, failSchema, type Client, type Context } from "../context.ts";
import { encodeReply } from "../reply.ts";

/** Publishes for a client. Answered when the channel has it; a failure that says nothing is tried again by id. */
export async function publish(
  context: Context,
  { session, open }: Client,
  { id, body }: CommandOf<"publish">,
): Promise<void> {
  const { asker, config, connections, publisher } = context;
  // Into a map (SPEC CE1).
  if ((body.type ?? 0) !== 0) return fail(context, session, { id, error: "notAvailable" });
  const parsed = parseChannel(body.channel, config.cluster.limits.channelBytes);
  const { json } = body;
  if (!parsed.ok || json === undefined) return fail(context, session, { id, error: "badRequest" });
  const { channel } = parsed;
  const { user, operator } = open;
  const digest = channel.users && (await digestFor(channel, user));
  let { subscriptions, connInfo } = open;
  let asked: Asked<PublishChange> = PASS;
  const schema = context.schemas?.of(channel.name);
  const { hookTimeoutMs } = config.cluster.times;
  const wrong = schema && (() => problemOf(schema, JSON.parse(json), hookTimeoutMs));
  if (asker.hooks.onPublish !== undefined) {
    const subscribed = subscriptions.has(channel.name);
    const mayBe = mayPublish({ config, channel, user, operator, subscribed, granted: true });
    if (mayBe !== "allowed")
      return failPolicy(context, session, { id, error: mayBe, channel, user, subscribed });
    const problem = await wrong?.();
    if (session.ended) return;
    if (problem !== undefined) return failSchema(context, session, id, problem);
    asked = await asker.publish(hookSession(open), { channel: channel.name, data: JSON.parse(json) });
    if (session.ended) return;
    // While a hook thinks, the session may lose its subscription or be refreshed.
    if (session.attachment.state === "open") ({ subscriptions, connInfo } = session.attachment);
  }
  if (asked.kind === "error") return fail(context, session, { id, error: asked.error });
  if (asked.kind === "disconnect") return connections.close(session, asked.close);
  const { allow, data, tags } = asked.change;
  const subscribed = subscriptions.has(channel.name);
  const permission = mayPublish({
    config,
    channel,
    user,
    operator,
    digest,
    subscribed,
    granted: allow === true,
  });
  if (permission !== "allowed")
    return failPolicy(context, session, { id, error: permission, channel, user, subscribed });
  if (!subscribed && !mayReach(session, channel.name, config.cluster.limits))
    return fail(context, session, { id, error: "tooManyRequests" });

  const { chanInfo } = subscriptions.get(channel.name) ?? {};
  if (schema !== undefined) {
    const fromHook = data !== undefined;
    const problem = await (fromHook
      ? problemOf(schema, data, hookTimeoutMs)
      : asked === PASS
        ? wrong?.()
        : undefined);
    if (session.ended) return;
    if (problem !== undefined) {
      // The client cannot help what the hook has made of its data.
      if (fromHook)
        logError("a hook has changed a publication into wrong data", { hook: "onPublish", problem });
      return failSchema(context, session, id, fromHook ? { kind: "failed" } : problem);
    }
  }

  const info = describeClient({ id: open.id, user, connInfo, chanInfo });
  const publication = {
    id: crypto.randomUUID(),
    body: encodePublication({
      json: data === undefined ? json : JSON.stringify(data),
      info,
      ...(tags === undefined ? {} : { tags }),
    }),
    forRetries: true,
  };
  try {
    const { refused } = await publisher.publish(channel.name, publication);
    if (refused === "full") return fail(context, session, { id, error: "internal" });
    if (refused !== null) return fail(context, session, { id, error: "limitExceeded" });
  } catch (error) {
    logError("a channel did not take a publication", { channel: channel.name, session: open.id, error });
    return fail(context, session, { id, error: "internal" });
  }
  connections.send(session, encodeReply(id, "publish", {}));
}
