import { z } from "zod";
import { count } from "./count.ts";

/** A length of time as Centrifugo writes it ("90s", "1h30m"), in ms. */
const duration = z
  .string()
  .regex(/^(?=.)(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/, 'a duration is written like "90s", "10m" or "720h"')
  .transform((text) => {
    const part = (unit: string) => Number(new RegExp(`(\\d+)${unit}(?![a-z])`).exec(text)?.[1] ?? 0);
    return part("h") * 3_600_000 + part("m") * 60_000 + part("s") * 1_000 + part("ms");
  });

/** Options of a namespace, by Centrifugo's names, so that its configuration carries over. */
export const namespaceSchema = z.strictObject({
  presence: z.boolean().default(false),
  join_leave: z.boolean().default(false),
  force_push_join_leave: z.boolean().default(false),
  allow_subscribe_for_client: z.boolean().default(false),
  allow_subscribe_for_anonymous: z.boolean().default(false),
  allow_publish_for_subscriber: z.boolean().default(false),
  allow_publish_for_client: z.boolean().default(false),
  allow_publish_for_anonymous: z.boolean().default(false),
  allow_presence_for_subscriber: z.boolean().default(false),
  allow_presence_for_client: z.boolean().default(false),
  allow_presence_for_anonymous: z.boolean().default(false),
  allow_user_limited_channels: z.boolean().default(false),
  // How many publications are kept, and for how long: history is on where both are more than nothing.
  history_size: count(0, 100_000).default(0),
  history_ttl: duration.default(0),
  // How long the offset of the newest is remembered while nobody listens and nothing is published.
  history_meta_ttl: duration.default(2_592_000_000),
  force_recovery: z.boolean().default(false),
  allow_recovery: z.boolean().default(false),
  force_positioning: z.boolean().default(false),
  allow_positioning: z.boolean().default(false),
  force_recovery_mode: z.enum(["stream", "cache"]).default("stream"),
  allowed_delta_types: z.array(z.enum(["fossil"])).default([]),
  allow_tags_filter: z.boolean().default(false),
  allow_history_for_subscriber: z.boolean().default(false),
  allow_history_for_client: z.boolean().default(false),
  allow_history_for_anonymous: z.boolean().default(false),
});
export type NamespaceConfig = z.infer<typeof namespaceSchema>;

export const keepsHistory = (namespace: NamespaceConfig): boolean =>
  namespace.history_size > 0 && namespace.history_ttl > 0;
