import { z } from "@hono/zod-openapi";
import { shardIdSchema } from "../../../config/regions.ts";
import { list, predictedMoves, region, ringEpoch, shardSpec, weight } from "./common.ts";

/** A query has texts only. */
const inQuery = z
  .enum(["true", "false"])
  .transform((text) => text === "true")
  .optional();
const DRY_RUN = { description: "Say what would change, and change nothing." };
const RANGES = { description: "Also list the slots that move, as runs." };

/** Each change takes these in its query, and in its body if it has one (SPEC OP10). */
export const changeQuery = z.strictObject({
  dryRun: inQuery.openapi({ ...DRY_RUN, type: "boolean" }),
  ranges: inQuery.openapi({ ...RANGES, type: "boolean" }),
});
const options = {
  dryRun: z.boolean().optional().openapi(DRY_RUN),
  ranges: z.boolean().optional().openapi(RANGES),
};

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
    ...options,
  })
  .refine(({ ids, count }) => ids === undefined || count === undefined, "give ids or a count, not both")
  .openapi("AddShards");
export const drainBody = z.strictObject(options).openapi("DrainShard");
export const weightBody = z.strictObject({ weight, ...options }).openapi("WeighShard");
export const rollbackBody = z.strictObject({ epoch: ringEpoch, ...options }).openapi("Rollback");

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
        ranges: list(list(z.number().int())).optional().openapi({
          description: "Runs of slots, each as `[first, last]`, where the request asks for them.",
        }),
      }),
    ),
  })
  .openapi("RingDiff");

export const changeResult = z
  .object({
    changed: z.boolean().openapi({ description: "False in a dry run, and where nothing had to change." }),
    dryRun: z.boolean(),
    wouldChange: z
      .boolean()
      .optional()
      .openapi({ description: "Only in a dry run: whether the change would have an effect." }),
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
