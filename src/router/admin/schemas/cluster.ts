import { z } from "@hono/zod-openapi";
import { REGIONS, shardIdSchema } from "../config/regions.ts";
import { MAX_WEIGHT } from "../ring/descriptor.ts";

/** Everything that the operator's API takes and gives: what validates is what the OpenAPI document says. */

const id = z.string().openapi({ example: "auto-1" });
const region = z
  .enum(REGIONS)
  .openapi({ description: "A Durable Object location hint; `auto` asks for no place." });
const weight = z
  .number()
  .int()
  .min(1)
  .max(MAX_WEIGHT)
  .openapi({ description: "Its part of the ring beside the other shards' weights.", example: 16 });
const ringEpoch = z.number().int().min(1);
const list = <Item extends z.ZodType>(item: Item) => z.array(item).readonly();
const counts = z.record(z.string(), z.number().int());
const dryRun = z
  .boolean()
  .default(false)
  .openapi({ description: "Say what would happen, and change nothing." });

export const errorBody = z
  .object({ error: z.object({ code: z.string(), message: z.string() }) })
  .openapi("Error");

export const shardSpec = z
  .object({ id, region: z.string(), weight, state: z.enum(["active", "draining"]) })
  .openapi("Shard");

export const predictedMoves = z
  .object({
    moving: z.number().int().openapi({ description: "Sessions that will move." }),
    from: counts,
    to: counts,
    unknown: list(z.string()).openapi({
      description: "Shards that did not answer: their sessions are not counted.",
    }),
  })
  .openapi("PredictedMoves");

const ringDiff = z
  .object({
    fromEpoch: z.number().int(),
    toEpoch: z.number().int(),
    regions: list(z.object({ region: z.string(), slots: z.number().int(), share: z.number() })),
    moves: list(
      z.object({
        region: z.string(),
        from: z.string().nullable(),
        to: z.string().nullable(),
        slots: z.number().int(),
        ranges: list(list(z.number().int())).openapi({ description: "Runs of slots, each `[first, last]`." }),
      }),
    ),
  })
  .openapi("RingDiff");

export const changeResult = z
  .object({
    changed: z.boolean().openapi({ description: "False where everything was so already." }),
    dryRun: z.boolean(),
    ringEpoch: ringEpoch.openapi({
      description: "The epoch that holds afterwards; of a dry run, the one that would.",
    }),
    cause: z.string(),
    shards: list(shardSpec),
    diff: ringDiff.nullable(),
    predicted: predictedMoves,
    told: z.object({ shards: z.number().int(), pending: list(z.string()) }),
  })
  .openapi("ChangeResult");

export const clusterReport = z
  .object({
    ringEpoch,
    digest: z.string(),
    seed: z.number().int(),
    defaultRegion: z.string(),
    untold: list(z.string()),
    shards: list(
      z.object({
        id,
        region: z.string(),
        weight: z.number().int(),
        state: z.enum(["active", "draining", "leaving"]),
        share: z.number().openapi({ description: "Its part of its region's ring, 0 to 1." }),
        sessions: z.number().int().nullable(),
        channels: z.number().int().nullable(),
        ringEpochSeen: z.number().int().nullable(),
        seenAgeMs: z.number().int().nullable(),
        reachable: z.boolean(),
      }),
    ),
  })
  .openapi("Cluster");

export const epochList = z
  .object({
    epochs: list(
      z.object({
        ringEpoch,
        at: z.number().int().openapi({ description: "Milliseconds since 1970." }),
        cause: z.string(),
        by: z.string(),
        shards: list(shardSpec),
        predicted: predictedMoves.nullable(),
        moved: z
          .number()
          .int()
          .openapi({ description: "Sessions that moved, as far as the shards have reported." }),
        movedFrom: counts,
      }),
    ),
  })
  .openapi("Epochs");

export const explanation = z
  .object({
    key: z.string(),
    hash: z.number().int(),
    slot: z.number().int(),
    ringEpoch,
    clientRegion: z.string(),
    region: z.string().nullable(),
    owner: z.string().nullable(),
    nextOwners: list(z.string()),
    point: z.object({ position: z.number().int(), shard: z.string(), index: z.number().int() }).nullable(),
    previousOwner: z.string().nullable(),
  })
  .openapi("Explanation");

export const userSessions = z
  .object({
    sessions: list(
      z.object({
        client: z.string(),
        user: z.string(),
        key: z.string(),
        shard: z.string(),
        connectedAt: z.number().int(),
        channels: list(z.string()),
      }),
    ),
    unreachable: list(z.string()),
  })
  .openapi("UserSessions");

export const userDisconnected = z
  .object({ disconnected: z.number().int(), unreachable: list(z.string()) })
  .openapi("UserDisconnected");

export const crashed = z.object({ crashed: z.string() }).openapi("Crashed");

export const shardParam = z.object({ id: shardIdSchema });
export const channelParam = z.object({ channel: z.string().min(1).max(1024) });
export const userParam = z.object({ user: z.string().min(1).max(255) });
export const explainQuery = z.object({ key: z.string().min(1).max(1024), region: region.default("auto") });
export const epochsQuery = z.object({ limit: z.coerce.number().int().min(1).max(200).default(20) });
/** In a query everything is text. */
export const dryRunQuery = z.object({ dryRun: z.enum(["true", "false"]).default("false") });

export const addBody = z
  .strictObject({
    ids: z.array(shardIdSchema).min(1).max(1000).optional(),
    count: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .optional()
      .openapi({ description: "New shards with ids of their own; 1 unless given." }),
    region: region.optional(),
    weight: weight.optional(),
    dryRun,
  })
  .refine(({ ids, count }) => ids === undefined || count === undefined, "give ids or a count, not both")
  .openapi("AddShards");
export const dryRunBody = z.strictObject({ dryRun }).openapi("DrainShard");
export const weightBody = z.strictObject({ weight, dryRun }).openapi("WeighShard");
export const rollbackBody = z.strictObject({ epoch: ringEpoch, dryRun }).openapi("Rollback");

export const liveBody = z
  .strictObject({
    channels: z
      .array(z.string().min(1).max(1024))
      .max(16)
      .default([])
      .openapi({ description: "Channels to watch; `ringcast:live` is the cluster's own." }),
  })
  .openapi("Watch");

export const liveTokens = z
  .object({
    access: z.enum(["full", "read"]).openapi({ description: "What the key of this call may do." }),
    development: z.boolean(),
    channel: z.string().openapi({ description: "The channel of the live feed." }),
    connection: z.string().openapi({ description: "A connection token, for nobody in particular." }),
    tokens: z.record(z.string(), z.string()).openapi({ description: "Subscription tokens, by channel." }),
    expiresAt: z.number().int(),
  })
  .openapi("WatchTokens");

export const clientsBody = z
  .strictObject({ users: z.array(z.string().min(1).max(255)).min(1).max(500) })
  .openapi("Clients");

export const clientTokens = z
  .object({ tokens: z.record(z.string(), z.string()), expiresAt: z.number().int() })
  .openapi("ClientTokens");
