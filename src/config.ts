import { z } from "zod";

/** Where a Durable Object can be asked to live; `auto` asks for nothing, so the first caller decides. */
export const REGIONS = [
  "auto",
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "apac-ne",
  "apac-se",
  "oc",
  "afr",
  "me",
] as const;
export type Region = (typeof REGIONS)[number];
export const regionSchema = z.enum(REGIONS);

/** Letters, digits, dot, underscore and dash: safe in a URL path, an object name and a log line. */
export const shardIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "a shard id has 1 to 64 letters, digits, '.', '_' or '-'");

const count = (least: number, most: number) => z.number().int().min(least).max(most);

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

const webhookSchema = z.strictObject({
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

export type Config = {
  readonly cluster: ClusterConfig;
  /** The namespace of channels without a prefix. */
  readonly defaultNamespace: NamespaceConfig;
  readonly namespaces: ReadonlyMap<string, NamespaceConfig>;
  /** What holds for the broadcast channel. */
  readonly broadcast: NamespaceConfig;
};

/** Channels of this namespace belong to the cluster itself. */
export const RESERVED_NAMESPACE = "ringcast";

/** A setting that cannot be used; the message names the variable and the field. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const NAMESPACE_PREFIX = "RINGCAST_NS_";

/**
 * Reads the configuration from a Worker's variables.
 *
 * `RINGCAST` is the cluster; `RINGCAST_OVERRIDES` is laid over it, field by field (`npm start` and tests set it);
 * `RINGCAST_NS_<name>` is one namespace each, `RINGCAST_NS_DEFAULT` that of channels without one. Each is a table
 * or its JSON text. Throws {@link ConfigError}.
 */
export function parseConfig(variables: Readonly<Record<string, unknown>>): Config {
  const base = readTable("RINGCAST", variables["RINGCAST"]);
  const overrides = readTable("RINGCAST_OVERRIDES", variables["RINGCAST_OVERRIDES"]);
  const cluster = check("RINGCAST", clusterSchema, merge(base, overrides));
  if (cluster.webhook !== undefined && !isSecret(variables["WEBHOOK_SECRET"]))
    throw new ConfigError(
      'WEBHOOK_SECRET: a webhook is signed with it; it is base64, after "whsec_" or alone',
    );
  const namespaces = new Map<string, NamespaceConfig>();
  let defaultNamespace = namespaceSchema.parse({});
  for (const [name, value] of Object.entries(variables)) {
    if (!name.startsWith(NAMESPACE_PREFIX)) continue;
    const namespace = check(name, namespaceSchema, readTable(name, value));
    const short = name.slice(NAMESPACE_PREFIX.length);
    if (short === RESERVED_NAMESPACE)
      throw new ConfigError(`${name}: the namespace "${RESERVED_NAMESPACE}" is the cluster's own`);
    if (short === "DEFAULT") defaultNamespace = namespace;
    else namespaces.set(short, namespace);
  }
  const { historySize, historyTtlMs } = cluster.broadcast;
  const broadcast: NamespaceConfig = {
    ...namespaceSchema.parse({}),
    history_size: historySize,
    history_ttl: historyTtlMs,
    force_recovery: true,
  };
  return { cluster, defaultNamespace, namespaces, broadcast };
}

/** 24 to 64 bytes, as Standard Webhooks has it. */
const isSecret = (secret: unknown): boolean =>
  typeof secret === "string" && /^(whsec_)?[A-Za-z0-9+/]{32,88}={0,2}$/.test(secret);

function readTable(name: string, value: unknown): Record<string, unknown> {
  if (value === undefined) return {};
  let table = value;
  if (typeof value === "string") {
    try {
      table = JSON.parse(value);
    } catch {
      throw new ConfigError(`${name} is not JSON`);
    }
  }
  if (!isTable(table)) throw new ConfigError(`${name} must be a table`);
  return table;
}

function check<Schema extends z.ZodType>(name: string, schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${[name, ...issue.path].join(".")}: ${issue.message}`);
  throw new ConfigError(problems.join("; "));
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function merge(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...base };
  for (const [field, value] of Object.entries(over)) {
    const under = merged[field];
    merged[field] = isTable(under) && isTable(value) ? merge(under, value) : value;
  }
  return merged;
}
