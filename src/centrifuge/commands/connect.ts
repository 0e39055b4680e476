import { PASS, type Asked } from "../../hooks/ask.ts";
import type { ConnectChange } from "../../hooks/hooks.ts";
import type { CommandOf } from "../command.ts";
import type { RouteIdentity } from "../../contracts/route.ts";
import type { ConnectionClaims } from "../../tokens/claims.ts";
import { parseChannel, type ChannelName } from "../../policy/channel-name.ts";
import { DISCONNECTS, type Close, type DisconnectName, type ErrorName, type ReplyError } from "../codes.ts";
import { isBroadcast, mayJoinLeave, namespaceOf } from "../../policy/permissions.ts";
import { encodeConnected, encodeError, encodeSubscribed, type SubscribeResult } from "../reply.ts";
import { PROTOCOL_VERSION } from "../../version.ts";
import type { Clients } from "../../shard/clients.ts";
import {
  hookSession,
  type Open,
  type Opening,
  type Session,
  type Subscription,
} from "../../shard/connections/session.ts";
import { join } from "../../shard/subscriptions/join.ts";
import { timeToLive } from "./time-to-live.ts";

type Identity =
  | { readonly kind: "known"; readonly claims: ConnectionClaims }
  | { readonly kind: "error"; readonly error: ErrorName | ReplyError }
  | { readonly kind: "disconnect"; readonly close: Close };

const ANONYMOUS: ConnectionClaims = { user: "", channels: [], subs: {} };

/**
 * Lets a client in: who it is (by its token alone), then the channels that its token subscribes it to, then the
 * answer. After an error the client may try no other `connect` on this socket.
 */
export async function connect(
  clients: Clients,
  session: Session,
  command: CommandOf<"connect">,
): Promise<void> {
  const opening = session.attachment;
  if (opening.state !== "opening") return clients.disconnect(session, "badRequest");
  const identity = await identify(clients, opening, command.body.token);
  if (!clients.sessions.has(session)) return;
  if (identity.kind === "disconnect") return clients.end(session, identity.close);
  if (identity.kind === "error") return refuse(clients, session, opening, command.id, identity.error);

  const { claims } = identity;
  const asked: Asked<ConnectChange> = isOperator(claims)
    ? PASS
    : await askHook(clients, opening, claims, command.body);
  if (!clients.sessions.has(session)) return;
  if (asked.kind === "disconnect") return clients.end(session, asked.close);
  if (asked.kind === "error") return refuse(clients, session, opening, command.id, asked.error);
  const { data: greeting, channels: added = [], info = claims.info } = asked.change;

  const personal = personalChannel(clients, claims.user);
  const { broadcast } = clients.config.cluster;
  const channels = [
    ...new Set([...claims.channels, ...Object.keys(claims.subs), ...personal, ...added]),
  ].filter((channel) => !isBroadcast(clients.config, channel));
  if (channels.length > clients.config.cluster.limits.channelsPerClient) {
    return clients.disconnect(session, "channelLimit");
  }
  const names = new Map<string, ChannelName>();
  for (const name of channels) {
    const parsed = parseChannel(name, clients.config.cluster.limits.channelBytes);
    if (!parsed.ok || namespaceOf(clients.config, parsed.channel) === undefined) {
      return refuse(clients, session, opening, command.id, parsed.ok ? "unknownChannel" : "badRequest");
    }
    names.set(name, parsed.channel);
  }
  const { token: _spent, identity: _used, ...placed } = opening;
  const open: Open = {
    ...placed,
    state: "open",
    openedAt: Date.now(),
    user: claims.user,
    subscriptions: new Map(),
    ...(info === undefined ? {} : { connInfo: info }),
    ...(isOperator(claims) ? { operator: true } : {}),
    ...(claims.expiresAt === undefined ? {} : { expiresAt: claims.expiresAt * 1000 }),
  };
  if (!clients.letIn(session, open)) return clients.disconnect(session, "badRequest");

  // Registrations of all channels are asked for at once: a stock client waits 5 s for this answer in all. What the
  // channels say meanwhile comes after it.
  clients.hold(session);
  const subs = new Map<string, string>();
  const tell = (channel: string, result: SubscribeResult, missed: readonly string[]) =>
    void subs.set(channel, encodeSubscribed(result, missed));
  const heard = clients.broadcast.join(session, command.body.subs?.[broadcast.channel] ?? {}, tell);
  const joined = await Promise.allSettled(
    [...names.values()].map((channel) => {
      const wishes = command.body.subs?.[channel.name] ?? {};
      const to = { channel, user: open.user, wishes, subscription: byServer(clients, open, channel, claims) };
      const { data } = claims.subs[channel.name] ?? {};
      const result = data === undefined ? {} : { data };
      return join(clients, session, to, (...answer) => tell(channel.name, ...answer), result);
    }),
  );
  await heard;
  if (!clients.sessions.has(session)) return;
  if (joined.some(({ status }) => status === "rejected")) return clients.disconnect(session, "serverError");
  if (channels.some((channel) => !subs.has(channel))) return clients.disconnect(session, "channelLimit");
  const result = {
    client: open.id,
    version: PROTOCOL_VERSION,
    node: clients.shard.name.slice(clients.shard.region.length + 1),
    ping: Math.ceil(clients.config.cluster.times.pingIntervalMs / 1000),
    pong: true,
    ...timeToLive(open.expiresAt, Date.now()),
    ...(greeting === undefined ? {} : { data: greeting }),
  } as const;
  clients.counters.add("connects");
  clients.release(session, encodeConnected(command.id, result, subs));
  for (const channel of channels) clients.announce("join", session, channel);
}

async function identify(clients: Clients, opening: Opening, sent: string | undefined): Promise<Identity> {
  const { anonymous, insecure, affinity } = clients.config.cluster;
  const token = sent === undefined || sent === "" ? opening.token : sent;
  const { identity } = opening;
  let claims = ANONYMOUS;
  if (identity !== undefined) {
    // The operator's page is none of the users that the hook knows.
    const shown = token === undefined ? undefined : await clients.verifier.connection(token);
    if (shown?.ok === true && shown.claims.operator === true) claims = shown.claims;
    else if (identity.kind === "user") claims = claimsOf(identity);
    else return identity;
  } else if (token !== undefined) {
    const verdict = await clients.verifier.connection(token);
    if (!verdict.ok) {
      if (verdict.reason === "expired") return { kind: "error", error: "tokenExpired" };
      if (verdict.reason === "unavailable") return { kind: "error", error: "internal" };
      return closeWith("invalidToken");
    }
    claims = verdict.claims;
  } else if (!anonymous && !insecure) {
    return closeWith("badRequest");
  }
  if (affinity.userIsKey && !isOperator(claims) && claims.user !== opening.key)
    return closeWith("permissionDenied");
  return { kind: "known", claims };
}

/** An operator's page is nobody, wherever its key places it; its simulated clients are users like others. */
const isOperator = ({ operator, user }: ConnectionClaims): boolean => operator === true && user === "";

const closeWith = (why: DisconnectName): Identity => ({ kind: "disconnect", close: DISCONNECTS[why] });

/** What `authenticate` has found, in the form of a token's claims, which tell seconds. */
const claimsOf = ({ user, info, expiresAt }: Extract<RouteIdentity, { kind: "user" }>): ConnectionClaims => ({
  ...ANONYMOUS,
  user,
  ...(info === undefined ? {} : { info }),
  ...(expiresAt === undefined ? {} : { expiresAt: expiresAt / 1000 }),
});

function askHook(
  clients: Clients,
  { id, key }: Opening,
  { user, info }: ConnectionClaims,
  { data, name = "", version = "" }: CommandOf<"connect">["body"],
): Promise<Asked<ConnectChange>> {
  return clients.ask.connect(hookSession({ id, user, key, connInfo: info }), { data, name, version });
}

function refuse(
  clients: Clients,
  session: Session,
  opening: Opening,
  id: number,
  error: ErrorName | ReplyError,
): void {
  clients.sessions.remember(session, { ...opening, refused: true });
  clients.send(session, encodeError(id, error));
}

/** The channel of a user's own, where users have one. */
function personalChannel({ config }: Clients, user: string): string[] {
  const { enabled, namespace } = config.cluster.personalChannel;
  if (!enabled || user === "") return [];
  return [namespace === "" ? `#${user}` : `${namespace}:#${user}`];
}

/** A server-side subscription: the token grants it, so no permission is asked. */
function byServer(
  clients: Clients,
  open: Open,
  channel: ChannelName,
  claims: ConnectionClaims,
): Subscription {
  const { config } = clients;
  const joinLeave = mayJoinLeave({ config, channel, user: open.user, subscribed: true, asked: false });
  const chanInfo = claims.subs[channel.name]?.info;
  return {
    byServer: true,
    ...(joinLeave ? { joinLeave } : {}),
    ...(chanInfo === undefined ? {} : { chanInfo }),
  };
}
