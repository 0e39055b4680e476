import { keepsHistory, RESERVED_NAMESPACE, type Config, type NamespaceConfig } from "../config.ts";
import type { ChannelName } from "./channel-name.ts";
import type { ErrorName } from "../centrifuge/codes.ts";
import { LIVE_CHANNEL } from "../contracts/live.ts";

/** What a client may do in a channel (SPEC AU3). `insecure` grants everything that the namespace can do at all. */
export type Permission = "allowed" | ErrorName;

type Asked = { readonly config: Config; readonly channel: ChannelName; readonly user: string };

/** The options that hold for a channel; undefined where nobody has configured its namespace. */
export function namespaceOf(config: Config, channel: ChannelName): NamespaceConfig | undefined {
  if (isBroadcast(config, channel.name)) return config.broadcast;
  return channel.namespace === undefined ? config.defaultNamespace : config.namespaces.get(channel.namespace);
}

/** The one channel that every session hears, whose home is the coordinator. */
export const isBroadcast = ({ cluster }: Config, channel: string): boolean =>
  cluster.broadcast.enabled && channel === cluster.broadcast.channel;

/** A channel of the cluster itself, which no client may ask anything of, whatever else is granted (SPEC FO6). */
const isReserved = ({ config, channel }: Asked): boolean =>
  channel.namespace === RESERVED_NAMESPACE || isBroadcast(config, channel.name);

/** `granted`: by a valid subscription token for this channel, or a hook. The order is Centrifugo's. */
export function planSubscribe(
  asked: Asked & { readonly granted: boolean; readonly operator?: boolean },
): Permission {
  const { config, channel, user } = asked;
  if (channel.name === LIVE_CHANNEL && asked.operator === true) return "allowed";
  const namespace = namespaceOf(config, channel);
  if (isReserved(asked)) return "permissionDenied";
  if (namespace === undefined) return "unknownChannel";
  if (asked.granted) return "allowed";
  if (config.cluster.insecure) return "allowed";
  if (channel.isPrivate) return "permissionDenied";
  if (channel.users !== undefined && namespace.allow_user_limited_channels) {
    return user !== "" && channel.users.includes(user) ? "allowed" : "permissionDenied";
  }
  const allowed =
    namespace.allow_subscribe_for_client && (user !== "" || namespace.allow_subscribe_for_anonymous);
  return allowed ? "allowed" : "permissionDenied";
}

/** `granted`: the deployment's own code allows what the namespace may not. */
export function mayPublish(
  asked: Asked & { readonly subscribed: boolean; readonly granted: boolean },
): Permission {
  const namespace = namespaceOf(asked.config, asked.channel);
  if (isReserved(asked)) return "permissionDenied";
  if (namespace === undefined) return "unknownChannel";
  if (asked.granted) return "allowed";
  const granted =
    namespace.allow_publish_for_client || (namespace.allow_publish_for_subscriber && asked.subscribed);
  return decide(asked, granted && (asked.user !== "" || namespace.allow_publish_for_anonymous));
}

export function mayPresence(asked: Asked & { readonly subscribed: boolean }): Permission {
  const namespace = namespaceOf(asked.config, asked.channel);
  if (isReserved(asked)) return "permissionDenied";
  if (namespace === undefined) return "unknownChannel";
  if (!namespace.presence) return "notAvailable";
  const granted =
    namespace.allow_presence_for_client || (namespace.allow_presence_for_subscriber && asked.subscribed);
  return decide(asked, granted && (asked.user !== "" || namespace.allow_presence_for_anonymous));
}

export function mayHistory(asked: Asked & { readonly subscribed: boolean }): Permission {
  const namespace = namespaceOf(asked.config, asked.channel);
  if (isReserved(asked)) return "permissionDenied";
  if (namespace === undefined) return "unknownChannel";
  if (!keepsHistory(namespace)) return "notAvailable";
  const granted =
    namespace.allow_history_for_client || (namespace.allow_history_for_subscriber && asked.subscribed);
  return decide(asked, granted && (asked.user !== "" || namespace.allow_history_for_anonymous));
}

export type Tracking = {
  readonly recoverable: boolean;
  readonly positioned: boolean;
  /** Publications come as patches of the one before. */
  readonly delta: boolean;
  readonly mode: "stream" | "cache";
};

/** What a subscription keeps track of: where the namespace forces it, or permits it to who wishes it. */
export function planTracking(
  asked: Asked & {
    readonly recoverable: boolean;
    readonly positioned: boolean;
    readonly delta: string | undefined;
  },
): Tracking {
  const namespace = namespaceOf(asked.config, asked.channel);
  if (namespace === undefined || !keepsHistory(namespace)) {
    return { recoverable: false, positioned: false, delta: false, mode: "stream" };
  }
  const history = mayHistory({ ...asked, subscribed: true }) === "allowed";
  const recoverable =
    namespace.force_recovery || (asked.recoverable && (namespace.allow_recovery || history));
  const positioned =
    namespace.force_positioning || (asked.positioned && (namespace.allow_positioning || history));
  const tracked = recoverable || positioned;
  const delta = tracked && asked.delta === "fossil" && namespace.allowed_delta_types.includes("fossil");
  return { recoverable, positioned: tracked, delta, mode: namespace.force_recovery_mode };
}

/** Whether a subscriber hears of joins and leaves: where the namespace forces it, or who asks may see presence. */
export function mayJoinLeave(
  asked: Asked & { readonly subscribed: boolean; readonly asked: boolean; readonly operator?: boolean },
): boolean {
  const namespace = namespaceOf(asked.config, asked.channel);
  if (namespace?.join_leave !== true) return false;
  const permitted = asked.operator === true || mayPresence(asked) === "allowed";
  return namespace.force_push_join_leave || (asked.asked && permitted);
}

const decide = ({ config }: Asked, granted: boolean): Permission =>
  granted || config.cluster.insecure ? "allowed" : "permissionDenied";
