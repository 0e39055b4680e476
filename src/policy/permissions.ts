import type { Config } from "../config/config.ts";
import { keepsHistory } from "../config/namespace.ts";
import { LIVE_CHANNEL } from "../contracts/live.ts";
import { type ChannelName, isReserved, namespaceOf } from "./channels.ts";
import { isNamed } from "./user-names.ts";

/** Whether a client may do something in a channel (SPEC AU3). `insecure` grants everything that the namespace can do at all. */
export type Permission = "allowed" | "unknownChannel" | "permissionDenied" | "notAvailable";

export type Asked = {
  readonly config: Config;
  readonly channel: ChannelName;
  readonly user: string;
  /** SHA-256 of the user, where the channel's name needs it (user-names.ts). */
  readonly digest?: string | undefined;
  /** A session of an operator reads what the namespace has, and does nothing else (SPEC AU8). */
  readonly operator?: boolean | undefined;
};

/**
 * Whether a channel that names users keeps a user out, whatever its namespace permits (SPEC AU20). A subscriber is in:
 * it is named, or its token, the server or a hook has let it in.
 */
const isKeptOut = ({
  channel,
  user,
  digest,
  subscribed,
}: Asked & { readonly subscribed: boolean }): boolean =>
  channel.users !== undefined && !subscribed && !isNamed(channel, user, digest);

/**
 * `granted`: by a valid subscription token for this channel, or a hook. The order is Centrifugo's. Where `operator` is
 * set, the token is one of the operator's API.
 */
export function planSubscribe(asked: Asked & { readonly granted: boolean }): Permission {
  const { config, channel, user } = asked;
  if (channel.name === LIVE_CHANNEL && asked.operator === true) return "allowed";
  const namespace = namespaceOf(config, channel);
  if (isReserved(asked.config, asked.channel)) return "permissionDenied";
  if (namespace === undefined) return "unknownChannel";
  if (asked.granted) return "allowed";
  if (config.cluster.insecure) return "allowed";
  if (channel.isPrivate) return "permissionDenied";
  if (isKeptOut({ ...asked, subscribed: false })) return "permissionDenied";
  if (channel.users !== undefined && namespace.allow_user_limited_channels) return "allowed";
  const allowed =
    namespace.allow_subscribe_for_client && (user !== "" || namespace.allow_subscribe_for_anonymous);
  return allowed ? "allowed" : "permissionDenied";
}

/** `granted`: the deployment's own code allows what the namespace may not. */
export function mayPublish(
  asked: Asked & { readonly subscribed: boolean; readonly granted: boolean },
): Permission {
  const namespace = namespaceOf(asked.config, asked.channel);
  if (isReserved(asked.config, asked.channel) || asked.operator === true) return "permissionDenied";
  if (namespace === undefined) return "unknownChannel";
  if (asked.granted) return "allowed";
  const granted =
    namespace.allow_publish_for_client || (namespace.allow_publish_for_subscriber && asked.subscribed);
  return decide({
    ...asked,
    granted: granted && !isKeptOut(asked) && (asked.user !== "" || namespace.allow_publish_for_anonymous),
  });
}

export function mayPresence(asked: Asked & { readonly subscribed: boolean }): Permission {
  const namespace = namespaceOf(asked.config, asked.channel);
  if (isReserved(asked.config, asked.channel)) return "permissionDenied";
  if (namespace === undefined) return "unknownChannel";
  if (!namespace.presence) return "notAvailable";
  if (asked.operator === true) return "allowed";
  const granted =
    namespace.allow_presence_for_client || (namespace.allow_presence_for_subscriber && asked.subscribed);
  return decide({
    ...asked,
    granted: granted && !isKeptOut(asked) && (asked.user !== "" || namespace.allow_presence_for_anonymous),
  });
}

export function mayHistory(asked: Asked & { readonly subscribed: boolean }): Permission {
  const namespace = namespaceOf(asked.config, asked.channel);
  if (isReserved(asked.config, asked.channel)) return "permissionDenied";
  if (namespace === undefined) return "unknownChannel";
  if (!keepsHistory(namespace)) return "notAvailable";
  if (asked.operator === true) return "allowed";
  const granted =
    namespace.allow_history_for_client || (namespace.allow_history_for_subscriber && asked.subscribed);
  return decide({
    ...asked,
    granted: granted && !isKeptOut(asked) && (asked.user !== "" || namespace.allow_history_for_anonymous),
  });
}

/** Whether a subscriber hears of joins and leaves: where the namespace forces it, or the client asks and may see presence. */
export function mayJoinLeave(
  asked: Asked & { readonly subscribed: boolean; readonly asked: boolean },
): boolean {
  const namespace = namespaceOf(asked.config, asked.channel);
  if (namespace?.join_leave !== true) return false;
  const permitted = asked.operator === true || mayPresence(asked) === "allowed";
  return namespace.force_push_join_leave || (asked.asked && permitted);
}

const decide = ({ config, granted }: Asked & { readonly granted: boolean }): Permission =>
  granted || config.cluster.insecure ? "allowed" : "permissionDenied";
