import { z } from "@hono/zod-openapi";
import { shardIdSchema } from "../../../config/regions.ts";
import { list, predictedMoves, region, ringEpoch, shardSpec, weight } from "./common.ts";

const dryRun = z
  .boolean()
  .default(false)
  .openapi({ description: "Say what would change, and change nothing." });

/** A query has texts only. */
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
      .openapi({ description: "The number of new shards, whose ids the cluster makes; 1 unless given." }),
    region: region.optional(),
    weight: weight.optional(),
    dryRun,
  })
  .refine(({ ids, count }) => ids === undefined || count === undefined, "give ids or a count, not both")
  .openapi("AddShards");
export const dryRunBody = z.strictObject({ dryRun }).openapi("DrainShard");
export const weightBody = z.strictObject({ weight, dryRun }).openapi("WeighShard");
export const rollbackBody = z.strictObject({ epoch: ringEpoch, dryRun }).openapi("Rollback");

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
        ranges: list(list(z.number().int())).openapi({
          description: "Runs of slots, each as `[first, last]`.",
        }),
      }),
    ),
  })
  .openapi("RingDiff");

export const changeResult = z
  .object({
    changed: z.boolean().openapi({ description: "False where nothing had to change." }),
    dryRun: z.boolean(),
    ringEpoch: ringEpoch.openapi({
      description: "The epoch after the change; in a dry run, the epoch that the change would make.",
    }),
    cause: z.string(),
    shards: list(shardSpec),
    diff: ringDiff.nullable(),
    predicted: predictedMoves,
    told: z.object({ shards: z.number().int(), pending: list(z.string()) }),
  })
  .openapi("ChangeResult");
