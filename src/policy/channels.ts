import { RESERVED_NAMESPACE, type Config } from "../config/config.ts";
import type { NamespaceConfig } from "../config/namespace.ts";
import { NAMESPACE_PREFIX } from "../config/variable-names.ts";

/** The channels of the front of Socket.IO begin so. */
export const ROOM_PREFIX = `${RESERVED_NAMESPACE}:io:`;

/** A channel's name taken apart: `[$][namespace:]rest[#user,user]`. */
export type ChannelName = {
  readonly name: string;
  /** Undefined for a channel without one. */
  readonly namespace: string | undefined;
  /** Starts with `$`: only a subscription token opens it. */
  readonly isPrivate: boolean;
  /** The users that follow the last `#`, as user-names.ts writes them; undefined without a `#`. */
  readonly users: readonly string[] | undefined;
};

const PRINTABLE_ASCII = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

/** Reads a channel's name: printable ASCII (no space at either end) of at most `maxBytes`. */
export function parseChannel(
  name: string,
  maxBytes: number,
): { readonly ok: true; readonly channel: ChannelName } | { readonly ok: false } {
  if (name.length > maxBytes || !PRINTABLE_ASCII.test(name)) return { ok: false };
  return { ok: true, channel: splitName(name) };
}

/** Takes a name apart that may be no channel's. */
export function splitName(name: string): ChannelName {
  const isPrivate = name.startsWith("$");
  const bare = isPrivate ? name.slice(1) : name;
  const colon = bare.indexOf(":");
  const hash = name.lastIndexOf("#");
  return {
    name,
    namespace: colon < 0 ? undefined : bare.slice(0, colon),
    isPrivate,
    users: hash < 0 ? undefined : name.slice(hash + 1).split(","),
  };
}

/** The options that hold for a channel; undefined where its namespace is not configured. */
export function namespaceOf(config: Config, channel: ChannelName): NamespaceConfig | undefined {
  if (isBroadcast(config, channel.name)) return config.broadcast;
  return channel.namespace === undefined ? config.defaultNamespace : config.namespaces.get(channel.namespace);
}

/** In development: the setting that is missing where the namespace of a channel is not configured (SPEC PK9). */
export const missingNamespace = ({ cluster }: Config, { namespace }: ChannelName): string | undefined =>
  cluster.development && namespace !== undefined
    ? `no namespace "${namespace}"; it would be the variable ${NAMESPACE_PREFIX}${namespace}`
    : undefined;

/** The options of a channel's log: rooms of Socket.IO have their own, though no namespace opens them to clients. */
export const logOptionsOf = (config: Config, channel: ChannelName): NamespaceConfig | undefined =>
  channel.name.startsWith(ROOM_PREFIX) ? config.rooms : namespaceOf(config, channel);

/** The one channel that every session hears. */
export const isBroadcast = ({ cluster }: Config, channel: string): boolean =>
  cluster.broadcast.enabled && channel === cluster.broadcast.channel;

/** The object that keeps a channel's log: the coordinator for the broadcast channel, else the channel's own. */
export type ChannelHome =
  | { readonly kind: "coordinator" }
  | { readonly kind: "channel"; readonly channel: string };

export const homeOf = (config: Config, channel: string): ChannelHome =>
  isBroadcast(config, channel) ? { kind: "coordinator" } : { kind: "channel", channel };

/** A channel of the cluster itself, which no client may ask anything of, whatever else is granted (SPEC FO6). */
export const isReserved = (config: Config, channel: ChannelName): boolean =>
  channel.namespace === RESERVED_NAMESPACE || isBroadcast(config, channel.name);
