import { ERRORS, type ErrorName } from "./codes.ts";
import type { Present } from "./delivery.ts";

/** Who a publication, a join or a presence entry speaks of. `user` and `client` are present even when empty. */
export type ClientInfo = {
  readonly user: string;
  readonly client: string;
  readonly conn_info?: unknown;
  readonly chan_info?: unknown;
};

/** An empty ping; a client that was told `pong: true` answers with the same two characters. */
export const PING_FRAME = "{}";
/**
 * What the runtime answers to a pong. It must look like nothing to every SDK: `{}` and `{"id":0}` are pings, and
 * would be answered for ever; an empty push is a ping to the Python SDK (measured with JS 5.0 to 5.8).
 */
export const PONG_ABSORBER = '{"push":{"channel":""}}';

export type SubscribeResult = {
  readonly expires?: true;
  readonly ttl?: number;
  readonly data?: unknown;
};

export type ConnectResult = {
  readonly client: string;
  readonly version: string;
  readonly ping: number;
  readonly pong: true;
  readonly expires?: true;
  readonly ttl?: number;
  readonly subs?: Readonly<Record<string, SubscribeResult>>;
};

export type Results = {
  connect: ConnectResult;
  subscribe: SubscribeResult;
  unsubscribe: Record<string, never>;
  publish: Record<string, never>;
  presence_stats: { readonly num_clients: number; readonly num_users: number };
  refresh: {
    readonly client: string;
    readonly version: string;
    readonly expires?: true;
    readonly ttl?: number;
  };
  sub_refresh: { readonly expires?: true; readonly ttl?: number };
};

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

export function encodeError(id: number, error: ErrorName): string {
  return `{"id":${id},"error":${JSON.stringify(ERRORS[error])}}`;
}
