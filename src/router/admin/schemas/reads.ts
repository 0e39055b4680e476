import * as z from "zod";
import { counts, list, predictedMoves, region, ringEpoch, shardId, shardSpec } from "./common.ts";

export const clusterReport = z
  .object({
    ringEpoch,
    digest: z.string(),
    seed: z.number().int(),
    defaultRegion: z.string(),
    untold: list(z.string()),
    shards: list(
      z.object({
        id: shardId,
        region: z.string(),
        weight: z.number().int(),
        fullWeight: z.number().int().optional().meta({
          description: "The weight after the last step, where the shard is joining in steps.",
        }),
        state: z.enum(["active", "draining", "down", "leaving"]),
        share: z.number().meta({ description: "The shard's part of the ring of its region, 0 to 1." }),
        sessions: z.number().int().nullable(),
        guests: z.number().int().nullable().meta({
          description: "Sessions of these whose first owner is another shard, which handed them on.",
        }),
        channels: z.number().int().nullable(),
        ringEpochSeen: z.number().int().nullable(),
        droppedEvents: z.number().int().nullable().meta({
          description:
            "Events that the shard has dropped since it came to life, as a receiver had too many waiting.",
        }),
        seenAgeMs: z.number().int().nullable(),
        reachable: z.boolean(),
      }),
    ),
  })
  .meta({ id: "Cluster" });

export const epochList = z
  .object({
    epochs: list(
      z.object({
        ringEpoch,
        at: z.number().int().meta({ description: "Milliseconds since 1970." }),
        cause: z.string(),
        by: z.string(),
        shards: list(shardSpec),
        predicted: predictedMoves.nullable(),
        moved: z
          .number()
          .int()
          .meta({ description: "Sessions that moved, as far as the shards have reported." }),
        movedFrom: counts,
      }),
    ),
  })
  .meta({ id: "Epochs" });

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
  .meta({ id: "Explanation" });

export const explainQuery = z.object({ key: z.string().min(1).max(1024), region: region.default("auto") });
export const epochsQuery = z.object({ limit: z.coerce.number().int().min(1).max(200).default(20) });
