import type { Close } from "../contracts/refusal.ts";
import type { EndReason } from "../shard/connections/end-reasons.ts";
import type { UnsubscribeReason } from "../shard/wire.ts";

/**
 * Every code that a client can be given, with the text that goes with it (Centrifuge protocol v2).
 *
 * The ranges are the law: a stock SDK reconnects after 3000-3499 and 4000-4499 and stops after 3500-3999 and
 * 4500-4999; it resubscribes after an unsubscribe code of 2500 and more; it retries a temporary error.
 */
export const ERRORS = {
  internal: { code: 100, message: "internal server error", temporary: true },
  unauthorized: { code: 101, message: "unauthorized" },
  unknownChannel: { code: 102, message: "unknown channel" },
  permissionDenied: { code: 103, message: "permission denied" },
  methodNotFound: { code: 104, message: "method not found" },
  alreadySubscribed: { code: 105, message: "already subscribed" },
  limitExceeded: { code: 106, message: "limit exceeded" },
  badRequest: { code: 107, message: "bad request" },
  notAvailable: { code: 108, message: "not available" },
  tokenExpired: { code: 109, message: "token expired" },
  expired: { code: 110, message: "expired" },
  tooManyRequests: { code: 111, message: "too many requests", temporary: true },
  unrecoverablePosition: { code: 112, message: "unrecoverable position" },
} as const satisfies Record<string, { code: number; message: string; temporary?: true }>;
export type ErrorName = keyof typeof ERRORS;
/** Close codes; see {@link Close} for what a reason may be. */
export const DISCONNECTS = {
  serverError: { code: 3004, reason: "internal server error" },
  expired: { code: 3005, reason: "connection expired" },
  subscriptionExpired: { code: 3006, reason: "subscription expired" },
  slow: { code: 3008, reason: "slow" },
  insufficientState: { code: 3010, reason: "insufficient state" },
  noPong: { code: 3012, reason: "no pong" },
  tooManyRequests: { code: 3013, reason: "too many requests" },
  invalidToken: { code: 3500, reason: "invalid token" },
  badRequest: { code: 3501, reason: "bad request" },
  stale: { code: 3502, reason: "stale" },
  forced: { code: 3503, reason: "force disconnect" },
  connectionLimit: { code: 3504, reason: "connection limit" },
  channelLimit: { code: 3505, reason: "channel limit" },
  permissionDenied: { code: 3507, reason: "permission denied" },
  notAvailable: { code: 3508, reason: "not available" },
  messageTooBig: { code: 1009, reason: "message too big" },
  // Ours: the ring changed and another shard owns the key. The reason names the epoch.
  moved: { code: 4001, reason: "moved" },
} as const satisfies Record<EndReason, Close> & Record<string, Close>;
export type DisconnectName = keyof typeof DISCONNECTS;

export const UNSUBSCRIBES = {
  server: { code: 2000, reason: "server unsubscribe" },
  insufficientState: { code: 2500, reason: "insufficient state" },
  expired: { code: 2501, reason: "subscription expired" },
} as const satisfies Record<UnsubscribeReason, { code: number; reason: string }>;
