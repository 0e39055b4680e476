import * as z from "zod";
import { affinitySchema } from "./affinity.ts";
import { count } from "./count.ts";
import { limitsSchema } from "./limits.ts";
import { scaleSchema } from "./scale.ts";
import { shardsSchema } from "./shards.ts";
import { socketioSchema } from "./socketio.ts";
import { timesSchema } from "./times.ts";
import { tokensSchema } from "./tokens.ts";
import { webhookSchema } from "./webhook.ts";

const broadcastSchema = z
  .strictObject({
    // Every session hears the broadcast channel from its `connect` on (SPEC FO1).
    enabled: z.boolean().default(true),
    // The channel to publish to in order to reach every session.
    channel: z.string().min(1).max(255).default("ringcast:broadcast"),
    // The broadcast channel keeps so many publications for clients that come back.
    historySize: count(1, 100_000).default(300),
    // It keeps them for so long.
    historyTtlMs: count(1_000, 2_592_000_000).default(3_600_000),
  })
  .prefault({});

/** A browser's `Origin` header is compared with it as a text: a path or a wildcard would never be equal. */
const origin = z
  .string()
  .regex(
    /^(\*|null|[a-z][a-z\d+.-]*:\/\/[^/?#\s*]*)$/i,
    'an origin is written like "https://example.com", without a path; "*" allows all',
  );

const personalChannelSchema = z
  .strictObject({
    // Centrifugo's `user_subscribe_to_personal`: the server subscribes each user with a name to "#<user>".
    enabled: z.boolean().default(false),
    // The namespace of these channels; empty for channels without one.
    namespace: z.string().default(""),
  })
  .prefault({});

const movesSchema = z
  .strictObject({
    // All sources together send at most so many sessions a second to one shard. A connection is several events, and
    // the shard answers 500 to 1,000 events a second beside its own work (docs/platform.md P23).
    perSecondToOneShard: count(1, 10_000).default(300),
    // One shard sends at most so many sessions a second away.
    perSecondFromOneShard: count(1, 10_000).default(100),
    // A session with a frame in work is closed after its answer, or after this time.
    busyWaitMs: count(0, 30_000).default(3_000),
  })
  .prefault({});

/** The settings of a cluster: the variable `RINGCAST`. */
export const clusterSchema = z.strictObject({
  // For local work only: the operator's API may crash objects, and every origin is allowed.
  development: z.boolean().default(false),
  // For local work only: every client has every permission, without a token.
  insecure: z.boolean().default(false),
  // A connection without a token is allowed, and has the empty user.
  anonymous: z.boolean().default(false),
  // "*" allows every origin. A request without an Origin header is not from a browser, and passes always.
  allowedOrigins: z.array(origin).default([]),
  affinity: affinitySchema,
  shards: shardsSchema,
  scale: scaleSchema,
  limits: limitsSchema,
  times: timesSchema,
  moves: movesSchema,
  broadcast: broadcastSchema,
  personalChannel: personalChannelSchema,
  tokens: tokensSchema,
  socketio: socketioSchema,
  webhook: webhookSchema.optional(),
});
export type ClusterConfig = z.infer<typeof clusterSchema>;
/** The variable `RINGCAST` as a deployment writes it: every field may be absent. */
export type ClusterSettings = z.input<typeof clusterSchema>;
