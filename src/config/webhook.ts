import * as z from "zod";
import { count } from "./count.ts";

/** The events that a back end can be told of. */
const WEBHOOK_EVENTS = ["connected", "disconnected", "occupied", "vacated", "published", "shards"] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** The back end that is told of events, and how often it is tried again (SPEC HK6). */
export const webhookSchema = z.strictObject({
  // The address that gets the events, by POST.
  url: z.url({ protocol: /^https?$/ }),
  // The kinds of events to send.
  events: z.array(z.enum(WEBHOOK_EVENTS)).min(1),
  // An event waits this long for further events of the same batch.
  batchMs: count(0, 60_000).default(500),
  // The most events in one request.
  batchEvents: count(1, 1_000).default(100),
  // A request that takes longer has failed.
  timeoutMs: count(100, 60_000).default(10_000),
  // The pause between two attempts to send one batch doubles from the first to the last.
  retryFirstMs: count(10, 60_000).default(1_000),
  // The longest pause between two attempts.
  retryLastMs: count(1_000, 3_600_000).default(600_000),
  // A batch that the back end has not taken for this long is dropped, with an error in the log.
  keepMs: count(1_000, 604_800_000).default(86_400_000),
});
export type WebhookConfig = z.infer<typeof webhookSchema>;
