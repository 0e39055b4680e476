import { z } from "zod";
import { count } from "./count.ts";
import { regionSchema } from "./regions.ts";
import { webhookSchema } from "./webhook.ts";

/** What can place a connection, in the order in which `affinity.order` tries it. A key never identifies. */
export const AFFINITY_SOURCES = ["key", "token", "path", "cookie", "ip"] as const;

const affinitySchema = z
  .strictObject({
    order: z.array(z.enum(AFFINITY_SOURCES)).default(["key", "token"]),
    cookie: z.string().min(1).default("ringcast_key"),
    // Makes ring mode exact: a connection whose verified user differs from its key is refused (3507).
    userIsKey: z.boolean().default(false),
  })
  .prefault({});

const shardsSchema = z
  .strictObject({
    // Enough for about 100,000 sockets, and a ring whose shares can be seen.
    initial: count(1, 64).default(4),
    initialWeight: count(1, 64).default(16),
    // A slip of the finger must not start a thousand objects.
    max: count(1, 1000).default(64),
    defaultRegion: regionSchema.default("auto"),
    seed: count(0, 0xffff_ffff).default(0),
  })
  .prefault({});

const limitsSchema = z
  .strictObject({
    // Centrifugo's `message_size_limit`.
    frameBytes: count(1024, 1_048_576).default(65_536),
    channelsPerClient: count(1, 512).default(128),
    channelBytes: count(16, 1024).default(255),
    keyBytes: count(16, 1024).default(256),
    // Commands of one client: a burst, then so many a second. The SDK resubscribes to everything at once.
    commandsPerSecond: count(1, 10_000).default(100),
    commandBurst: count(1, 20_000).default(512),
    // A Durable Object takes 32,768 hibernatable sockets; memory gives out first (platform §1.5).
    sessionsPerShard: count(1, 32_000).default(20_000),
    // An object answers 500 to 1,000 events a second; an upgrade with a token is several.
    upgradesPerSecond: count(1, 10_000).default(400),
    upgradeBurst: count(1, 20_000).default(1_600),
    // Centrifugo's `queue_max_size`.
    queuedBytes: count(16_384, 67_108_864).default(1_048_576),
    // Centrifugo's `recovery_max_publication_limit` and `history_max_publication_limit`.
    recoveryMaxPublications: count(1, 10_000).default(300),
    historyMaxPublications: count(1, 10_000).default(300),
    // What a shard keeps in memory of what it has delivered, over all channels.
    tailBytes: count(0, 67_108_864).default(8_388_608),
    // Of the server API: bytes of a request, and how many commands, channels or users one may hold. Each is a
    // call to an object, of which a Worker may make 1,000 for each request (platform limit).
    apiBodyBytes: count(1_024, 33_554_432).default(4_194_304),
    apiCommands: count(1, 1_000).default(500),
    // Names in the answer to `channels`.
    channelNames: count(1, 100_000).default(10_000),
    // How long a reader may leave a probe unanswered, where the runtime cannot count queued bytes.
    slowReaderGraceMs: count(100, 60_000).default(5_000),
  })
  .prefault({});

const broadcastSchema = z
  .strictObject({
    // Every session hears it, from the moment it connects.
    enabled: z.boolean().default(true),
    channel: z.string().min(1).max(255).default("ringcast:broadcast"),
    historySize: count(1, 100_000).default(300),
    historyTtlMs: count(1_000, 2_592_000_000).default(3_600_000),
  })
  .prefault({});

const personalChannelSchema = z
  .strictObject({
    // Centrifugo's `user_subscribe_to_personal`: every user with an id is subscribed to "#<user>" by the server.
    enabled: z.boolean().default(false),
    namespace: z.string().default(""),
  })
  .prefault({});

const timesSchema = z
  .strictObject({
    pingIntervalMs: count(1_000, 300_000).default(25_000),
    pongTimeoutMs: count(500, 60_000).default(8_000),
    // No `connect` frame by then: 3502.
    staleConnectionMs: count(500, 120_000).default(10_000),
    // How long an expired token may still be refreshed (Centrifugo's `expired_close_delay`).
    expiredGraceMs: count(500, 300_000).default(25_000),
    joinLeaveBatchMs: count(0, 5_000).default(100),
    // A move takes a stock client 0.5 to 1 s; a leave that comes back within this was none.
    movedLeaveHoldMs: count(0, 60_000).default(5_000),
    deliveryTimeoutMs: count(500, 60_000).default(10_000),
    presenceCacheMs: count(0, 10_000).default(1_000),
    healthReportMs: count(1_000, 3_600_000).default(60_000),
    // What a hook that decides may take before its operation is refused.
    hookTimeoutMs: count(10, 60_000).default(5_000),
    // A move takes all listeners away for a moment; a channel is vacated when nobody came for so long.
    vacatedGraceMs: count(0, 300_000).default(5_000),
  })
  .prefault({});

const movesSchema = z
  .strictObject({
    // What one destination can absorb beside its own work, over all sources.
    perSecondToOneShard: count(1, 10_000).default(300),
    perSecondFromOneShard: count(1, 10_000).default(100),
    // A session with a frame in work is closed after its answer, or after this.
    busyWaitMs: count(0, 30_000).default(3_000),
  })
  .prefault({});

const tokensSchema = z
  .strictObject({
    // PEM (SPKI) public keys, one for each family of algorithms.
    rsaPublicKey: z.string().optional(),
    ecdsaPublicKey: z.string().optional(),
    ed25519PublicKey: z.string().optional(),
    jwksUrl: z.url().optional(),
    audience: z.string().optional(),
    issuer: z.string().optional(),
    userIdClaim: z.string().default("sub"),
  })
  .prefault({});

export const clusterSchema = z.strictObject({
  // Local only: lets the operator's API crash a shard.
  development: z.boolean().default(false),
  // Local only: grants every permission without a token.
  insecure: z.boolean().default(false),
  // Connections without a token, with the empty user.
  anonymous: z.boolean().default(false),
  // "*" allows every origin; a request without an Origin header always passes (it is no browser).
  allowedOrigins: z.array(z.string()).default([]),
  affinity: affinitySchema,
  shards: shardsSchema,
  limits: limitsSchema,
  times: timesSchema,
  moves: movesSchema,
  broadcast: broadcastSchema,
  personalChannel: personalChannelSchema,
  tokens: tokensSchema,
  webhook: webhookSchema.optional(),
});
export type ClusterConfig = z.infer<typeof clusterSchema>;
