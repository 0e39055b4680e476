import type { ReplyError } from "../../contracts/refusal.ts";
import { PASS, type Asked } from "../../hooks/ask.ts";
import type { SubscribeChange } from "../../hooks/hooks.ts";
import { logError } from "../../platform/logger.ts";
import { digestFor } from "../../platform/user-digest.ts";
import { namespaceOf, parseChannel, type ChannelName } from "../../policy/channels.ts";
import { mayJoinLeave, planSubscribe } from "../../policy/permissions.ts";
import { isMeaningful } from "../../policy/tags-filter.ts";
import { mayReach } from "../../shard/connections/new-channels.ts";
import { hookSession, subscriptionsOf, type Subscription } from "../../shard/connections/session.ts";
import type { Wishes } from "../../shard/subscriptions/join.ts";
import type { SubscriptionClaims } from "../../tokens/claims.ts";
import type { DisconnectName, ErrorName } from "../codes.ts";
import type { CommandOf } from "../command.ts";
import { disconnect, fail, failPolicy, type Client, type Context } from "../context.ts";
import { encodeReply, encodeSubscribeReply } from "../reply.ts";
import { timeToLive } from "./time-to-live.ts";

/** A bit of `flag`. */
const REJECT_UNRECOVERED = 2;

/** The kind of subscription that Centrifugo refuses as not available; it refuses maps as a bad request (C46). */
const SHARED_POLL = 4;

/** Subscribes a client; the answer goes out before anything that the channel says. */
export async function subscribe(
  context: Context,
  client: Client,
  { id, body }: CommandOf<"subscribe">,
): Promise<void> {
  const { asker, config, connections, subscriptions, wire } = context;
  const { session, open } = client;
  const { limits } = config.cluster;
  const refuse = (error: ErrorName | ReplyError) => fail(context, session, { id, error });

  const parsed = parseChannel(body.channel, limits.channelBytes);
  if (!parsed.ok) return refuse("badRequest");
  const { channel } = parsed;
  const { type = 0 } = body;
  if (type !== 0) return refuse(type === SHARED_POLL ? "notAvailable" : "badRequest");
  if (open.subscriptions.has(channel.name)) return refuse("alreadySubscribed");
  if (subscriptions.count(open) >= limits.channelsPerClient) return refuse("limitExceeded");

  const grant = await readGrant(context, client, channel.name, body.token);
  if (session.ended) return;
  if (grant.kind === "error") return refuse(grant.error);
  if (grant.kind === "disconnect") return disconnect(context, session, grant.why);
  const { claims } = grant;
  const digest = channel.users && (await digestFor(channel, open.user));
  const asking = { config, channel, user: open.user, digest, operator: open.operator };
  const mayBe = planSubscribe({ ...asking, granted: true });
  if (mayBe !== "allowed")
    return failPolicy(context, session, { id, error: mayBe, channel, user: open.user });
  const asked: Asked<SubscribeChange> =
    open.operator === true
      ? PASS
      : await asker.subscribe(hookSession(open), { channel: channel.name, data: body.data });
  if (session.ended) return;
  if (asked.kind === "error") return refuse(asked.error);
  if (asked.kind === "disconnect") return connections.close(session, asked.close);
  const { allow, info, data } = asked.change;
  const permission = planSubscribe({ ...asking, granted: claims !== undefined || allow === true });
  if (permission !== "allowed")
    return failPolicy(context, session, { id, error: permission, channel, user: open.user });
  if (!mayReach(session, channel.name, limits)) return refuse("tooManyRequests");

  const { tf: filter } = body;
  const mayFilter = namespaceOf(config, channel)?.allow_tags_filter === true;
  if (filter !== undefined && !(mayFilter && isMeaningful(filter))) return refuse("badRequest");
  const asksJoinLeave = body.join_leave === true;
  const joinLeave = mayJoinLeave({ ...asking, subscribed: true, asked: asksJoinLeave });
  const subscription: Subscription = {
    ...(joinLeave ? { joinLeave: true as const } : {}),
    ...fromClaims(claims),
    ...(filter === undefined ? {} : { filter }),
    ...(info === undefined ? {} : { chanInfo: info }),
  };
  const fields = {
    ...timeToLive(subscription.expiresAt, Date.now()),
    ...(data === undefined ? {} : { data }),
  };
  // An order of a back end may have subscribed it while the hook was asked (SPEC AP5).
  const isWanted = (): boolean => !subscriptionsOf(session).has(channel.name);
  const request = { channel, user: open.user, wishes: wishesOf(body), subscription, isWanted };
  try {
    const joined = await subscriptions.join(session, request, (start) => {
      const text = wire.encodeStart(session, channel.name, start, fields);
      connections.send(session, encodeSubscribeReply(id, text));
    });
    if (joined === "gone" && !session.ended) refuse("alreadySubscribed");
    if (joined === "full") refuse("limitExceeded");
    if (joined === "unrecovered") refuse("unrecoverablePosition");
  } catch (error) {
    logError("a channel could not be subscribed to", { channel: channel.name, session: open.id, error });
    refuse("internal");
  }
}

export function unsubscribe(
  { connections, subscriptions }: Context,
  { session }: Client,
  { id, body }: CommandOf<"unsubscribe">,
): void {
  subscriptions.leave(session, body.channel);
  connections.send(session, encodeReply(id, "unsubscribe", {}));
}

export async function refreshSubscription(
  context: Context,
  client: Client,
  { id, body }: CommandOf<"sub_refresh">,
): Promise<void> {
  const { connections, subscriptions } = context;
  const { session, open } = client;
  const refuse = (error: ErrorName) => fail(context, session, { id, error });
  if ((body.type ?? 0) !== 0) return refuse("notAvailable");
  if (!open.subscriptions.has(body.channel)) return refuse("permissionDenied");
  if (body.token === undefined || body.token === "") return refuse("badRequest");
  const grant = await readGrant(context, client, body.channel, body.token);
  if (session.ended) return;
  if (grant.kind === "error") return refuse(grant.error);
  if (grant.kind === "disconnect") return disconnect(context, session, grant.why);
  const before = subscriptionsOf(session).get(body.channel);
  if (before === undefined) return refuse("permissionDenied");
  // A token without an info leaves the one that there is, which a hook may have given.
  const { expiresAt: _old, ...rest } = before;
  const after = { ...rest, ...fromClaims(grant.claims) };
  if (!subscriptions.remember(session, body.channel, after)) return refuse("limitExceeded");
  connections.send(session, encodeReply(id, "sub_refresh", timeToLive(after.expiresAt, Date.now())));
}

type Position = { readonly offset?: number | undefined; readonly epoch?: string | undefined };

/** The position that a client resumes from, where it wants to resume. */
export const sinceOf = ({ recover, offset, epoch }: Position & { readonly recover?: boolean | undefined }) =>
  recover === true ? { since: { offset: offset ?? 0, logEpoch: epoch ?? "" } } : {};

const wishesOf = (body: CommandOf<"subscribe">["body"]): Wishes => ({
  ...sinceOf(body),
  recoverable: body.recoverable,
  positioned: body.positioned,
  delta: body.delta,
  rejectUnrecovered: ((body.flag ?? 0) & REJECT_UNRECOVERED) !== 0,
});

type Grant =
  | { readonly kind: "grant"; readonly claims: SubscriptionClaims | undefined }
  | { readonly kind: "error"; readonly error: ErrorName }
  | { readonly kind: "disconnect"; readonly why: DisconnectName };

/** Reads a subscription token. One made for another user or channel is an attack, and ends the connection. */
async function readGrant(
  { verifier }: Context,
  { open }: Client,
  channel: ChannelName["name"],
  token: string | undefined,
): Promise<Grant> {
  const operator = open.operator === true;
  if (token === undefined || token === "") {
    return operator ? { kind: "error", error: "permissionDenied" } : { kind: "grant", claims: undefined };
  }
  const verdict = await verifier.subscription(token);
  if (!verdict.ok) {
    if (verdict.reason === "expired") return { kind: "error", error: "tokenExpired" };
    return { kind: "error", error: verdict.reason === "unavailable" ? "internal" : "permissionDenied" };
  }
  const { claims } = verdict;
  // A token of the operator's API opens a channel to an operator's session alone (SPEC AU8).
  if ((claims.operator === true) !== operator) return { kind: "error", error: "permissionDenied" };
  const foreignClient = claims.client !== undefined && claims.client !== "" && claims.client !== open.id;
  if (claims.user !== open.user || claims.channel !== channel || foreignClient) {
    return { kind: "disconnect", why: "invalidToken" };
  }
  if (claims.expiresAt !== undefined && claims.expiresAt * 1000 <= Date.now()) {
    return { kind: "error", error: "expired" };
  }
  return { kind: "grant", claims };
}

const fromClaims = (claims: SubscriptionClaims | undefined): Subscription => ({
  ...(claims?.info === undefined ? {} : { chanInfo: claims.info }),
  ...(claims?.expiresAt === undefined ? {} : { expiresAt: claims.expiresAt * 1000 }),
});
