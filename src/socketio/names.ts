import type { ShardAddress } from "../contracts/address.ts";
import { ROOM_PREFIX } from "../policy/channels.ts";

/** The name of the front in addresses; its objects are behind the binding `SHARD_SOCKETIO`. */
export const FRONT = "socketio";

/**
 * The channels of this front are in the cluster's own namespace, so that no client of another front reaches them (SPEC
 * SO14). A namespace is a channel that each of its sockets hears, and a room is a channel.
 */
const PREFIX = ROOM_PREFIX;

/** Throws `URIError` where a name is no well-formed text. */
export const namespaceChannel = (nsp: string): string => PREFIX + encode(nsp);
export const roomChannel = (nsp: string, room: string): string => `${namespaceChannel(nsp)},${encode(room)}`;

/** Only its rooms can be channels of others, too. */
export const SHARED_NSP = "/";

/** Whether a channel belongs to this front alone. */
export const isClosed = (channel: string): boolean => channel.startsWith(PREFIX);

/** The namespace of a channel that a socket hears, and the room where it is one. A channel of others is a shared room. */
export function readChannel(channel: string): { readonly nsp: string; readonly room?: string } {
  if (!isClosed(channel)) return { nsp: SHARED_NSP, room: channel };
  const [nsp = "", room] = channel.slice(PREFIX.length).split(",").map(decodeURIComponent);
  return room === undefined ? { nsp } : { nsp, room };
}

/** The channels of which a socket in a room hears one: which one, the configuration says. */
export const channelsThatMayBe = (nsp: string, room: string): readonly string[] =>
  nsp === SHARED_NSP && !isClosed(room) ? [roomChannel(nsp, room), room] : [roomChannel(nsp, room)];

/** A name is printable and has no comma. The slash stays, for people who read it. */
const encode = (name: string): string => encodeURIComponent(name).replaceAll("%2F", "/");

const SOCKET_ID = /^([a-z-]+)\.(.+)~[\w-]{20}$/;

/** A new id of a socket; it names the shard that holds the socket. */
export const newSocketId = ({ region, id }: ShardAddress, random: string): string =>
  `${region}.${id}~${random}`;

/** The shard that a socket's id names; undefined where a name is that of a room. Clients make ids up. */
export function shardOfSocket(id: string): Pick<ShardAddress, "region" | "id"> | undefined {
  const [, region, shard] = SOCKET_ID.exec(id) ?? [];
  return region === undefined || shard === undefined ? undefined : { region, id: shard };
}

/** The shard of a prefix of ids, `<region>.<id>`. */
export const readShard = (prefix: string): Pick<ShardAddress, "region" | "id"> => {
  const dot = prefix.indexOf(".");
  return { region: prefix.slice(0, dot), id: prefix.slice(dot + 1) };
};
export const shardPrefix = ({ region, id }: Pick<ShardAddress, "region" | "id">): string => `${region}.${id}`;

/** The private id of a socket that may be recovered: its public one, and a secret. */
export const encodePid = ({ id, secret }: { readonly id: string; readonly secret: string }): string =>
  `${id}~${secret}`;

export function parsePid(pid: unknown): { readonly id: string; readonly secret: string } | undefined {
  if (typeof pid !== "string") return undefined;
  const [, id = "", secret = ""] = /^(.+~[\w-]{20})~([\w-]{20})$/.exec(pid) ?? [];
  return shardOfSocket(id) === undefined ? undefined : { id, secret };
}
