/** Why the core ends a session; its front has a close code for each. */
export type EndReason =
  | "serverError"
  | "badRequest"
  | "expired"
  | "subscriptionExpired"
  | "slow"
  | "insufficientState"
  | "noPong"
  | "stale"
  | "messageTooBig"
  | "tooManyRequests"
  | "moved";
