import { PASS, type Asked } from "../../hooks/ask.ts";
import type { SubscribeChange } from "../../hooks/hooks.ts";
import { parseChannel, type ChannelName } from "../../policy/channel-name.ts";
import type { SubscriptionClaims } from "../../tokens/claims.ts";
import type { DisconnectName, ErrorName, ReplyError } from "../codes.ts";
import type { CommandOf } from "../command.ts";
import { mayJoinLeave, namespaceOf, planSubscribe } from "../../policy/permissions.ts";
import { encodeError, encodeReply, encodeSubscribed, encodeSubscribeReply } from "../reply.ts";
import { isMeaningful } from "../../policy/tags-filter.ts";
import type { Clients } from "../../shard/clients.ts";
import {
  hookSession,
  subscriptionsOf,
  type Open,
  type Session,
  type Subscription,
} from "../../shard/connections/session.ts";
import { join } from "../../shard/subscriptions/join.ts";
import { timeToLive } from "./time-to-live.ts";

/** A bit of `flag`. */
const REJECT_UNRECOVERED = 2;

/** Subscribes a client; the answer goes out before anything that the channel says. */
export async function subscribe(
  clients: Clients,
  session: Session,
  open: Open,
  command: CommandOf<"subscribe">,
): Promise<void> {
  const { id, body } = command;
  const { limits } = clients.config.cluster;
  const fail = (error: ErrorName | ReplyError) => clients.send(session, encodeError(id, error));

  const parsed = parseChannel(body.channel, limits.channelBytes);
  if (!parsed.ok) return fail("badRequest");
  if (open.subscriptions.has(body.channel)) return fail("alreadySubscribed");
  if (clients.countChannels(open) >= limits.channelsPerClient) return fail("limitExceeded");

  const grant = await readGrant(clients, open, body.channel, body.token);
  if (!clients.sessions.has(session)) return;
  if (grant.kind === "error") return fail(grant.error);
  if (grant.kind === "disconnect") return clients.disconnect(session, grant.why);
  const { claims } = grant;
  const { channel } = parsed;
  const who = { config: clients.config, channel, user: open.user, operator: claims?.operator === true };
  const mayBe = planSubscribe({ ...who, granted: true });
  if (mayBe !== "allowed") return fail(mayBe);
  const asked: Asked<SubscribeChange> = who.operator
    ? PASS
    : await clients.ask.subscribe(hookSession(open), { channel: channel.name, data: body.data });
  if (!clients.sessions.has(session)) return;
  if (asked.kind === "error") return fail(asked.error);
  if (asked.kind === "disconnect") return clients.end(session, asked.close);
  const { allow, info, data } = asked.change;
  const granted = claims !== undefined || allow === true;
  const plan = planSubscribe({ ...who, granted });
  if (plan !== "allowed") return fail(plan);

  const { flag, tf: filter, ...wishes } = body;
  if (filter !== undefined) {
    const allowed = namespaceOf(clients.config, parsed.channel)?.allow_tags_filter === true;
    if (!allowed || !isMeaningful(filter)) return fail("badRequest");
  }
  const subscription = {
    ...planSubscription(clients, open, parsed.channel, claims, body.join_leave === true),
    ...(filter === undefined ? {} : { filter }),
    ...(info === undefined ? {} : { chanInfo: info }),
  };
  try {
    const joined = await join(
      clients,
      session,
      {
        channel: parsed.channel,
        user: open.user,
        wishes: { ...wishes, rejectUnrecovered: ((flag ?? 0) & REJECT_UNRECOVERED) !== 0 },
        subscription,
      },
      (result, missed) => clients.send(session, encodeSubscribeReply(id, encodeSubscribed(result, missed))),
      { ...timeToLive(subscription.expiresAt, Date.now()), ...(data === undefined ? {} : { data }) },
    );
    if (joined === "full") fail("limitExceeded");
    if (joined === "unrecovered") fail("unrecoverablePosition");
    if (joined === "joined") clients.announce("join", session, body.channel);
  } catch (error) {
    console.error("a channel could not be reached", error);
    fail("internal");
  }
}

export function unsubscribe(clients: Clients, session: Session, command: CommandOf<"unsubscribe">): void {
  clients.unsubscribe(session, command.body.channel);
  clients.send(session, encodeReply(command.id, "unsubscribe", {}));
}

export async function refreshSubscription(
  clients: Clients,
  session: Session,
  open: Open,
  command: CommandOf<"sub_refresh">,
): Promise<void> {
  const { id, body } = command;
  const fail = (error: ErrorName) => clients.send(session, encodeError(id, error));
  if (!open.subscriptions.has(body.channel)) return fail("permissionDenied");
  if (body.token === undefined || body.token === "") return fail("badRequest");
  const grant = await readGrant(clients, open, body.channel, body.token);
  if (!clients.sessions.has(session)) return;
  if (grant.kind === "error") return fail(grant.error);
  if (grant.kind === "disconnect") return clients.disconnect(session, grant.why);
  const before = subscriptionsOf(session).get(body.channel);
  if (before === undefined) return fail("permissionDenied");
  const { expiresAt: _old, chanInfo: _info, ...rest } = before;
  const after = { ...rest, ...fromClaims(grant.claims) };
  if (!clients.rememberSubscription(session, body.channel, after)) return fail("limitExceeded");
  clients.send(session, encodeReply(id, "sub_refresh", timeToLive(after.expiresAt, Date.now())));
}

type Grant =
  | { readonly kind: "grant"; readonly claims: SubscriptionClaims | undefined }
  | { readonly kind: "error"; readonly error: ErrorName }
  | { readonly kind: "disconnect"; readonly why: DisconnectName };

/** What a subscription token grants. One made for another user or channel is an attack, and ends the connection. */
async function readGrant(
  clients: Clients,
  open: Open,
  channel: string,
  token: string | undefined,
): Promise<Grant> {
  if (token === undefined || token === "") return { kind: "grant", claims: undefined };
  const verdict = await clients.verifier.subscription(token);
  if (!verdict.ok) {
    if (verdict.reason === "expired") return { kind: "error", error: "tokenExpired" };
    return { kind: "error", error: verdict.reason === "unavailable" ? "internal" : "permissionDenied" };
  }
  const { claims } = verdict;
  const foreignClient = claims.client !== undefined && claims.client !== "" && claims.client !== open.id;
  if (claims.user !== open.user || claims.channel !== channel || foreignClient) {
    return { kind: "disconnect", why: "invalidToken" };
  }
  if (claims.expiresAt !== undefined && claims.expiresAt * 1000 <= Date.now()) {
    return { kind: "error", error: "expired" };
  }
  return { kind: "grant", claims };
}

function planSubscription(
  clients: Clients,
  open: Open,
  channel: ChannelName,
  claims: SubscriptionClaims | undefined,
  asked: boolean,
): Subscription {
  const joinLeave = mayJoinLeave({
    config: clients.config,
    channel,
    user: open.user,
    subscribed: true,
    asked,
    operator: claims?.operator === true,
  });
  return { ...(joinLeave ? { joinLeave: true as const } : {}), ...fromClaims(claims) };
}

const fromClaims = (claims: SubscriptionClaims | undefined): Subscription => ({
  ...(claims?.info === undefined ? {} : { chanInfo: claims.info }),
  ...(claims?.expiresAt === undefined ? {} : { expiresAt: claims.expiresAt * 1000 }),
});
