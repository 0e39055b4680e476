import type { ReplyError } from "../../contracts/refusal.ts";
import { PASS, type Asked } from "../../hooks/ask.ts";
import type { ConnectChange } from "../../hooks/hooks.ts";
import { logError } from "../../platform/logger.ts";
import { personalChannelOf } from "../../platform/user-digest.ts";
import { isBroadcast, namespaceOf, parseChannel, type ChannelName } from "../../policy/channels.ts";
import { mayJoinLeave } from "../../policy/permissions.ts";
import { identify, isOperator, type Identity } from "../../shard/connections/identify.ts";
import {
  hookSession,
  type Open,
  type Opening,
  type Session,
  type Subscription,
} from "../../shard/connections/session.ts";
import { shareAnswer } from "../../shard/subscriptions/start.ts";
import type { ConnectionClaims } from "../../tokens/claims.ts";
import { PROTOCOL_VERSION } from "../../version.ts";
import { DISCONNECTS, type DisconnectName, type ErrorName } from "../codes.ts";
import type { CommandOf } from "../command.ts";
import { disconnect, fail, type Context } from "../context.ts";
import { refusalReason } from "../refusal-reason.ts";
import { encodeConnected } from "../reply.ts";
import { replacedBy } from "./admit-user.ts";
import { sinceOf } from "./subscribe.ts";
import { timeToLive } from "./time-to-live.ts";

type Connect = CommandOf<"connect">;

/**
 * Lets a client in: its identity (by its token alone), then the channels that the server subscribes it to, then the
 * answer. After an error the client may try no other `connect` on this socket (docs/protocol.md C13).
 */
export async function connect(context: Context, session: Session, command: Connect): Promise<void> {
  const { config, connections } = context;
  const { id, body } = command;
  const opening = session.attachment;
  if (opening.state !== "opening" || opening.refused === true)
    return disconnect(context, session, "badRequest");
  const identity = await identify(opening, body.token, {
    cluster: config.cluster,
    verifier: context.verifier,
  });
  if (session.ended) return;
  if (identity.kind !== "known") return refuseIdentity(context, { session, opening, id }, identity);

  const { claims } = identity;
  const asked: Asked<ConnectChange> = isOperator(claims)
    ? PASS
    : await askHook(context, { opening, claims, body });
  if (session.ended) return;
  if (asked.kind === "disconnect") return connections.close(session, asked.close);
  if (asked.kind === "error") return refuse(context, { session, opening, id }, asked.error);

  const personal = await personalChannelOf(config.cluster, claims.user);
  const added = [...personal, ...(asked.change.channels ?? [])];
  if (session.ended) return;
  const planned = planChannels(context, claims, added);
  if (planned.kind === "disconnect") return disconnect(context, session, planned.why);
  if (planned.kind === "error") return refuse(context, { session, opening, id }, planned.error);
  const { channels } = planned;
  const { info = claims.info } = asked.change;
  const open = openOf(opening, claims, info);
  const replaced = open.operator === true ? [] : replacedBy(context, open.user);
  if (replaced === undefined) return disconnect(context, session, "connectionLimit");
  if (!connections.open(session, open)) {
    if (asked.change.info === undefined) return disconnect(context, session, "badRequest");
    logError("the info of a hook is too large: a session keeps 16 KiB in all", {
      hook: "onConnect",
      session: open.id,
    });
    return refuse(context, { session, opening, id }, "internal");
  }
  // Nobody makes room for a session that is not let in.
  for (const oldest of replaced) disconnect(context, oldest, "connectionLimit");

  // Events of the channels wait until the answer has gone out.
  connections.hold(session);
  const subs = await subscribeAll(context, { session, open, claims, channels }, body.subs ?? {});
  if (session.ended) return;
  if (subs === undefined) return disconnect(context, session, "serverError");
  if (subs === "full" || channels.some(({ name }) => !subs.has(name)))
    return disconnect(context, session, "channelLimit");
  const { data: greeting } = asked.change;
  const result = {
    client: open.id,
    version: PROTOCOL_VERSION,
    node: context.shard.id,
    ping: Math.ceil(config.cluster.times.pingIntervalMs / 1000),
    pong: true,
    ...timeToLive(open.expiresAt, Date.now()),
    ...(greeting === undefined ? {} : { data: greeting }),
  } as const;
  context.counters.counts.connects += 1;
  connections.release(session, encodeConnected(id, result, subs));
}

type Refused = { readonly session: Session; readonly opening: Opening; readonly id: number };

function refuse(context: Context, { session, opening, id }: Refused, error: ErrorName | ReplyError): void {
  context.connections.sessions.remember(session, { ...opening, refused: true });
  fail(context, session, { id, error });
}

function refuseIdentity(
  context: Context,
  refused: Refused,
  identity: Exclude<Identity, { kind: "known" }>,
): void {
  const { session } = refused;
  const { development } = context.config.cluster;
  const close = (why: DisconnectName): void => {
    const said = development && identity.kind === "refused" ? refusalReason(identity) : undefined;
    context.connections.close(session, {
      ...DISCONNECTS[why],
      ...(said === undefined ? {} : { reason: said }),
    });
  };
  if (identity.kind === "disconnect") return context.connections.close(session, identity.close);
  if (identity.kind === "error") return refuse(context, refused, identity.error);
  switch (identity.why) {
    case "tokenExpired":
      return refuse(context, refused, "tokenExpired");
    case "unavailable":
      return refuse(context, refused, "internal");
    case "invalidToken":
      return close("invalidToken");
    case "noToken":
      return close("badRequest");
    case "foreignKey":
      return close("permissionDenied");
  }
}

function askHook(
  { asker }: Context,
  { opening, claims, body }: { opening: Opening; claims: ConnectionClaims; body: Connect["body"] },
): Promise<Asked<ConnectChange>> {
  const { id, key } = opening;
  const { user, info } = claims;
  const { data, name = "", version = "" } = body;
  return asker.connect(hookSession({ id, user, key, connInfo: info }), { data, name, version });
}

type PlannedChannels =
  | { readonly kind: "channels"; readonly channels: readonly ChannelName[] }
  | { readonly kind: "error"; readonly error: ErrorName }
  | { readonly kind: "disconnect"; readonly why: DisconnectName };

/** The channels that the server subscribes a client to, without the one that every session hears. */
function planChannels(
  { config }: Context,
  claims: ConnectionClaims,
  added: readonly string[],
): PlannedChannels {
  const { limits } = config.cluster;
  const wanted = new Set([...claims.channels, ...Object.keys(claims.subs), ...added]);
  const names = [...wanted].filter((name) => !isBroadcast(config, name));
  if (names.length > limits.channelsPerClient) return { kind: "disconnect", why: "channelLimit" };
  const channels: ChannelName[] = [];
  for (const name of names) {
    const parsed = parseChannel(name, limits.channelBytes);
    if (!parsed.ok) return { kind: "error", error: "badRequest" };
    if (namespaceOf(config, parsed.channel) === undefined) return { kind: "error", error: "unknownChannel" };
    channels.push(parsed.channel);
  }
  return { kind: "channels", channels };
}

function openOf(opening: Opening, claims: ConnectionClaims, info: unknown): Open {
  const { token: _spent, identity: _used, ...placed } = opening;
  return {
    ...placed,
    state: "open",
    openedAt: Date.now(),
    user: claims.user,
    subscriptions: new Map(),
    ...(info === undefined ? {} : { connInfo: info }),
    ...(isOperator(claims) ? { operator: true } : {}),
    ...(claims.expiresAt === undefined ? {} : { expiresAt: claims.expiresAt * 1000 }),
  };
}

type Subscribing = {
  readonly session: Session;
  readonly open: Open;
  readonly claims: ConnectionClaims;
  readonly channels: readonly ChannelName[];
};

/**
 * Subscribes to every channel at once: a stock client waits 5 s for all of them together (docs/protocol.md C14). Answers
 * with the results as JSON text by channel, or undefined where a channel could not be reached. `full`: the socket has no
 * room for the channel that every session hears.
 */
async function subscribeAll(
  context: Context,
  { session, open, claims, channels }: Subscribing,
  positions: NonNullable<Connect["body"]["subs"]>,
): Promise<ReadonlyMap<string, string> | "full" | undefined> {
  const { broadcast, config, subscriptions, wire } = context;
  const subs = new Map<string, string>();
  const bounded = shareAnswer(config.cluster.limits.resumeBytes);
  const wishesFor = (name: string) => {
    const { delta, ...position } = positions[name] ?? {};
    return { ...sinceOf(position), delta };
  };
  const broadcastChannel = config.cluster.broadcast.channel;
  const heard = broadcast.join(session, wishesFor(broadcastChannel), (start) => {
    subs.set(broadcastChannel, wire.encodeStart(session, broadcastChannel, bounded(start)));
  });
  const joined = await Promise.allSettled(
    channels.map((channel) => {
      const { data } = claims.subs[channel.name] ?? {};
      const request = {
        channel,
        user: open.user,
        wishes: wishesFor(channel.name),
        subscription: byServer(context, open, channel, claims),
      };
      return subscriptions.join(session, request, (start) => {
        const fields = data === undefined ? {} : { data };
        subs.set(channel.name, wire.encodeStart(session, channel.name, bounded(start), fields));
      });
    }),
  );
  if ((await heard) === "full") return "full";
  return joined.some(({ status }) => status === "rejected") ? undefined : subs;
}

/** A server-side subscription: the token grants it, so no permission is asked. */
function byServer(
  { config }: Context,
  { user }: Open,
  channel: ChannelName,
  claims: ConnectionClaims,
): Subscription {
  const joinLeave = mayJoinLeave({ config, channel, user, subscribed: true, asked: false });
  const chanInfo = claims.subs[channel.name]?.info;
  return {
    byServer: true,
    ...(joinLeave ? { joinLeave } : {}),
    ...(chanInfo === undefined ? {} : { chanInfo }),
  };
}
