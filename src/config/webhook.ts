import { z } from "zod";
import { count } from "./count.ts";

/** What a back end can be told of. */
export const WEBHOOK_EVENTS = [
  "connected",
  "disconnected",
  "occupied",
  "vacated",
  "published",
  "shards",
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

export const webhookSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  events: z.array(z.enum(WEBHOOK_EVENTS)).min(1),
  // An event waits this long for others to travel with.
  batchMs: count(0, 60_000).default(500),
  batchEvents: count(1, 1_000).default(100),
  timeoutMs: count(100, 60_000).default(10_000),
  // Between two tries of one batch: doubling from the first to the last.
  retryFirstMs: count(10, 60_000).default(1_000),
  retryLastMs: count(1_000, 3_600_000).default(600_000),
  // What nobody has taken by then is dropped, with an error in the log.
  keepMs: count(1_000, 604_800_000).default(86_400_000),
});
export type WebhookConfig = z.infer<typeof webhookSchema>;
