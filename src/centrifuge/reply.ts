import type { HistoryResult } from "../contracts/log.ts";
import type { Present } from "../contracts/publication.ts";
import type { ReplyError } from "../contracts/refusal.ts";
import { ERRORS, type ErrorName } from "./codes.ts";
import { encodeKept } from "./frames.ts";

/** An empty ping; a client that was told `pong: true` answers with the same two characters. */
export const PING_FRAME = "{}";
/**
 * The runtime's answer to a pong. Every SDK must ignore it (docs/protocol.md C30): `{}` and `{"id":0}` are pings, and
 * would be answered for ever; an empty push is a ping to the Python SDK (measured with JS 5.0 to 5.8).
 */
export const PONG_ABSORBER = '{"push":{"channel":""}}';

export type SubscribeResult = {
  readonly expires?: true;
  readonly ttl?: number;
  readonly data?: unknown;
  readonly recoverable?: true;
  readonly positioned?: true;
  readonly epoch?: string;
  /** Of a recovery that succeeded: the offset that the client asked for; else the channel's newest. */
  readonly offset?: number;
  readonly was_recovering?: true;
  readonly recovered?: true;
  readonly delta?: true;
};

export type ConnectResult = {
  readonly client: string;
  readonly version: string;
  /** The shard that took the connection. */
  readonly node: string;
  readonly ping: number;
  readonly pong: true;
  readonly expires?: true;
  readonly ttl?: number;
  readonly data?: unknown;
};

export type Results = {
  unsubscribe: Record<string, never>;
  publish: Record<string, never>;
  rpc: { readonly data: unknown };
  presence_stats: { readonly num_clients: number; readonly num_users: number };
  refresh: {
    readonly client: string;
    readonly version: string;
    readonly expires?: true;
    readonly ttl?: number;
  };
  sub_refresh: { readonly expires?: true; readonly ttl?: number };
};

/** A subscription's result as JSON text; `missed` are the publications that it is owed, as JSON text each. */
export function encodeSubscribed(result: SubscribeResult, missed: readonly string[]): string {
  const fields = JSON.stringify(result);
  if (missed.length === 0) return fields;
  const publications = `"publications":[${missed.join(",")}]`;
  return fields === "{}" ? `{${publications}}` : `${fields.slice(0, -1)},${publications}}`;
}

/** A message to the client itself, of no channel. `data` is JSON text. */
export const encodeMessage = (data: string): string => `{"push":{"message":{"data":${data}}}}`;

/** The answer to `connect`; `subs` are the results of server-side subscriptions, as JSON text by channel. */
export function encodeConnected(
  id: number,
  result: ConnectResult,
  subs: ReadonlyMap<string, string>,
): string {
  const fields = JSON.stringify(result);
  const entries = [...subs].map(([channel, text]) => `${JSON.stringify(channel)}:${text}`);
  const body = entries.length === 0 ? fields : `${fields.slice(0, -1)},"subs":{${entries.join(",")}}}`;
  return `{"id":${id},"connect":${body}}`;
}

export const encodeSubscribeReply = (id: number, text: string): string => `{"id":${id},"subscribe":${text}}`;

export function encodeHistory(id: number, history: HistoryResult): string {
  const publications = history.publications.map(encodeKept).join(",");
  const epoch = JSON.stringify(history.logEpoch);
  return `{"id":${id},"history":{"publications":[${publications}],"epoch":${epoch},"offset":${history.top}}}`;
}

export function encodeReply<Kind extends keyof Results>(
  id: number,
  kind: Kind,
  result: Results[Kind],
): string {
  return `{"id":${id},"${kind}":${JSON.stringify(result)}}`;
}

/** The answer to `presence`: the entries are JSON text already. */
export function encodePresence(id: number, present: Iterable<Present>): string {
  const entries = [...present].map(({ client, info }) => `${JSON.stringify(client)}:${info}`);
  return `{"id":${id},"presence":{"presence":{${entries.join(",")}}}}`;
}

export function encodeError(id: number, error: ErrorName | ReplyError): string {
  return `{"id":${id},"error":${JSON.stringify(typeof error === "string" ? ERRORS[error] : error)}}`;
}
