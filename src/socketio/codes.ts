import type { Close } from "../contracts/refusal.ts";
import type { EndReason } from "../shard/connections/end-reasons.ts";

/** How a WebSocket is closed. A stock client reports `transport close` for each, and comes back. */
export const CLOSES = {
  serverError: { code: 4011, reason: "internal error" },
  badRequest: { code: 4002, reason: "parse error" },
  expired: { code: 4003, reason: "expired" },
  subscriptionExpired: { code: 4004, reason: "expired" },
  slow: { code: 4008, reason: "too much unread" },
  insufficientState: { code: 4010, reason: "begin anew" },
  noPong: { code: 4007, reason: "ping timeout" },
  stale: { code: 4005, reason: "no namespace joined" },
  messageTooBig: { code: 1009, reason: "message too big" },
  tooManyRequests: { code: 4029, reason: "too many packets" },
  moved: { code: 4001, reason: "moved" },
} as const satisfies Record<EndReason, Close>;

/** Why a socket has gone, in the words of a stock server. */
export type DisconnectReason =
  | "transport close"
  | "transport error"
  | "ping timeout"
  | "parse error"
  | "forced close"
  | "client namespace disconnect"
  | "server namespace disconnect"
  | "server shutting down";

/** The words for an end that the core has decided; undefined: the peer has gone. */
export const REASONS = {
  serverError: "transport error",
  badRequest: "parse error",
  expired: "forced close",
  subscriptionExpired: "forced close",
  slow: "transport error",
  insufficientState: "transport error",
  noPong: "ping timeout",
  stale: "forced close",
  messageTooBig: "transport error",
  tooManyRequests: "forced close",
  moved: "server shutting down",
} as const satisfies Record<EndReason, DisconnectReason>;
