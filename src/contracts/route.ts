import type { Descriptor } from "../ring/descriptor.ts";
import type { CodeCount } from "./live.ts";
import type { Close, ReplyError } from "./refusal.ts";
import type { FailedCalls } from "./scale.ts";

/** The router's word to a shard with each request, in one header that clients cannot send. */
export const ROUTE_HEADER = "x-ringcast-route";

export type Route = {
  /** The router's contract. */
  readonly contract: number;
  readonly key: string;
  /** Where the client is: the ring of that region places it, if it has shards. */
  readonly clientRegion: string;
  /** The epoch and digest of the descriptor that the router chose by. */
  readonly ringEpoch: number;
  readonly digest: string;
  /** Ids of the owners that refused this connection because they are full, or above their bound. */
  readonly refused: readonly string[];
  /** The connection token, when it travelled in the upgrade. The router has found it valid (SPEC AU9). */
  readonly token?: string | undefined;
  /** The answer of the deployment's own `authenticate`, where it has given one. */
  readonly identity?: RouteIdentity | undefined;
  /** The region that should serve the client does not answer: a shard of the default region takes it as a guest. */
  readonly unreachable?: string;
  /** Every owner is full or above its bound, and the bound counts no more. */
  readonly unbounded?: true;
  /** Calls to shards that the router has seen fail, for the next report of this one. Absent in 0.2.0. */
  readonly failed?: readonly FailedCalls[] | undefined;
  /** Requests that the router has refused itself, for the live feed. Absent for none, and before contract 3. */
  readonly codes?: readonly CodeCount[] | undefined;
  /** The connection is no WebSocket: its front keeps it in memory. Absent before contract 3. */
  readonly inMemory?: true | undefined;
  /** The front's own part: only the front of the shard reads it. Absent before contract 3. */
  readonly ofFront?: unknown;
};

/** The router's word with a request for a session that the shard has, or had. Only the front reads `session`. */
export type SessionRequest = { readonly contract: number; readonly session: unknown };

/**
 * The identity of a connection without its token, or why it is refused. The refusal is told at its `connect`, as the
 * answer to an upgrade reaches no client. `ofToken`: the token of the upgrade is refused, and a token in the first frame
 * may still be valid.
 */
export type RouteIdentity =
  | {
      readonly kind: "user";
      readonly user: string;
      readonly info?: unknown;
      readonly expiresAt?: number | undefined;
    }
  | { readonly kind: "error"; readonly error: ReplyError; readonly ofToken?: true }
  | { readonly kind: "disconnect"; readonly close: Close; readonly ofToken?: true };

/** Header values are Latin-1; keys are not. Most routes are plain ASCII, which decodes as it is. */
export function encodeRoute(route: Route | SessionRequest): string {
  const json = JSON.stringify(route);
  return /^[ -$&-~]*$/.test(json) ? json : encodeURIComponent(json);
}

/** Only our own router writes this header, so a value that does not parse is a bug and throws. */
export const decodeRoute = (text: string): Route | SessionRequest =>
  JSON.parse(decodeURIComponent(text)) as Route | SessionRequest;

/** The reason that a shard did not take a connection: the body of its answer, by status. */
export type Refusal =
  /** 421: another shard owns the key, by this descriptor. */
  | { readonly kind: "misdirected"; readonly descriptor: Descriptor }
  /** 409: the router knows a newer epoch (or the shard knows none): show it, and repeat. */
  | { readonly kind: "behind"; readonly ringEpoch: number }
  /**
   * 503: no room; the next owner may have some. `bound`: only the bound of bounded load is reached, which is told to
   * routers from contract 3 on.
   */
  | { readonly kind: "full"; readonly bound?: true }
  /** 503: too many upgrades a second; no other shard should take them, the client should wait. */
  | { readonly kind: "busy"; readonly retryAfterSeconds: number };

export const REFUSAL_STATUS = {
  misdirected: 421,
  behind: 409,
  full: 503,
  busy: 503,
} as const satisfies Record<Refusal["kind"], number>;
