import * as z from "zod";
import { count } from "./count.ts";

/** A duration, written as in Centrifugo's configuration ("90s", "1h30m") and read as ms (docs/protocol.md C40). */
const duration = z
  .string()
  .regex(/^(?=.)(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/, 'a duration is written like "90s", "10m" or "720h"')
  .transform((text) => {
    const part = (unit: string) => Number(new RegExp(`(\\d+)${unit}(?![a-z])`).exec(text)?.[1] ?? 0);
    return part("h") * 3_600_000 + part("m") * 60_000 + part("s") * 1_000 + part("ms");
  });

/** The options of a namespace. They have Centrifugo's names, so a configuration of Centrifugo can be copied. */
export const namespaceSchema = z.strictObject({
  // A channel knows its subscribers, and may be asked for them.
  presence: z.boolean().default(false),
  // The channel tells of each client that comes or goes.
  join_leave: z.boolean().default(false),
  // Every subscriber hears joins and leaves, without asking for them.
  force_push_join_leave: z.boolean().default(false),
  // Every client with a user may subscribe.
  allow_subscribe_for_client: z.boolean().default(false),
  // Clients without a user may do so, too.
  allow_subscribe_for_anonymous: z.boolean().default(false),
  // A client may publish to a channel that it is subscribed to.
  allow_publish_for_subscriber: z.boolean().default(false),
  // Every client may publish.
  allow_publish_for_client: z.boolean().default(false),
  // Clients without a user may publish wherever those with one may.
  allow_publish_for_anonymous: z.boolean().default(false),
  // A client may ask for the presence of a channel that it is subscribed to.
  allow_presence_for_subscriber: z.boolean().default(false),
  // Every client may ask for the presence.
  allow_presence_for_client: z.boolean().default(false),
  // Clients without a user may ask wherever those with one may.
  allow_presence_for_anonymous: z.boolean().default(false),
  // The users that a channel names after its last `#` may subscribe to it.
  allow_user_limited_channels: z.boolean().default(false),
  // A channel keeps so many publications for so long. History is on where both are above zero.
  history_size: count(0, 100_000).default(0),
  history_ttl: duration.default(0),
  // A channel without listeners and publications remembers its top for this long (SPEC LG3, docs/protocol.md C40).
  history_meta_ttl: duration.default(2_592_000_000),
  // A client that comes back gets what it missed, without asking for it.
  force_recovery: z.boolean().default(false),
  // A client that comes back gets what it missed, where it asks for it.
  allow_recovery: z.boolean().default(false),
  // A subscription has a position, and begins anew where a publication is missing.
  force_positioning: z.boolean().default(false),
  // The same, for clients that ask for it.
  allow_positioning: z.boolean().default(false),
  // `stream`: everything that was missed. `cache`: the newest publication alone.
  force_recovery_mode: z.enum(["stream", "cache"]).default("stream"),
  // Clients that ask for it get patches in place of whole publications.
  allowed_delta_types: z.array(z.enum(["fossil"])).default([]),
  // A subscriber may name the tags of the publications that it wants.
  allow_tags_filter: z.boolean().default(false),
  // A client may ask for the history of a channel that it is subscribed to.
  allow_history_for_subscriber: z.boolean().default(false),
  // Every client may ask for the history.
  allow_history_for_client: z.boolean().default(false),
  // Clients without a user may ask wherever those with one may.
  allow_history_for_anonymous: z.boolean().default(false),
  // The channels are rooms of Socket.IO's main namespace, too (SPEC SO50). Centrifugo has no such option.
  socketio: z.boolean().default(false),
});
export type NamespaceConfig = z.infer<typeof namespaceSchema>;
/** A variable `RINGCAST_NS_<name>` as a deployment writes it. */
export type NamespaceSettings = z.input<typeof namespaceSchema>;

/** The option that is missing where one of two options would do nothing alone (SPEC AU5). */
export function missingPartner({ history_size, history_ttl }: NamespaceConfig): string | undefined {
  if (history_size > 0 && history_ttl === 0) return "history_ttl: history_size does nothing without it";
  if (history_ttl > 0 && history_size === 0) return "history_size: history_ttl does nothing without it";
  return undefined;
}

/** Whether the channels of a namespace have a log. */
export const keepsHistory = (namespace: NamespaceConfig): boolean =>
  namespace.history_size > 0 && namespace.history_ttl > 0;
