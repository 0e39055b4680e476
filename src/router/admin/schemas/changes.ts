import * as z from "zod";
import type { ZodOpenApiOverride } from "zod-openapi";
import { shardIdSchema } from "../../../config/regions.ts";
import { list, predictedMoves, region, ringEpoch, shardSpec, weight } from "./common.ts";

/** A query has texts only, and a tool that reads the OpenAPI document writes a boolean as such a text. */
const inQuery = z
  .enum(["true", "false"])
  .transform((text) => text === "true")
  .optional();
const asBoolean: ZodOpenApiOverride = ({ jsonSchema }) => {
  jsonSchema.type = "boolean";
  delete jsonSchema.enum;
};
const DRY_RUN = { description: "Say what would change, and change nothing." };
const RANGES = { description: "Also list the slots that move, as runs." };

/** Each change takes these in its query, and in its body if it has one (SPEC OP10). */
export const changeQuery = z.strictObject({
  dryRun: inQuery.meta({ ...DRY_RUN, override: asBoolean }),
  ranges: inQuery.meta({ ...RANGES, override: asBoolean }),
});
const options = {
  dryRun: z.boolean().optional().meta(DRY_RUN),
  ranges: z.boolean().optional().meta(RANGES),
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
      .meta({ description: "The number of new shards, whose ids the cluster makes; 1 unless given." }),
    region: region.optional(),
    weight: weight.optional(),
    ...options,
  })
  .refine(({ ids, count }) => ids === undefined || count === undefined, "give ids or a count, not both")
  .meta({ id: "AddShards" });
export const drainBody = z.strictObject(options).meta({ id: "DrainShard" });
export const weightBody = z.strictObject({ weight, ...options }).meta({ id: "WeighShard" });
export const rollbackBody = z.strictObject({ epoch: ringEpoch, ...options }).meta({ id: "Rollback" });

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
        ranges: list(list(z.number().int())).optional().meta({
          description: "Runs of slots, each as `[first, last]`, where the request asks for them.",
        }),
      }),
    ),
  })
  .meta({ id: "RingDiff" });

export const changeResult = z
  .object({
    changed: z.boolean().meta({ description: "False in a dry run, and where nothing had to change." }),
    dryRun: z.boolean(),
    wouldChange: z
      .boolean()
      .optional()
      .meta({ description: "Only in a dry run: whether the change would have an effect." }),
    ringEpoch: ringEpoch.meta({
      description: "The epoch after the change; in a dry run, the epoch that the change would make.",
    }),
    cause: z.string(),
    shards: list(shardSpec),
    diff: ringDiff.nullable(),
    predicted: predictedMoves,
    told: z.object({ shards: z.number().int(), pending: list(z.string()) }),
  })
  .meta({ id: "ChangeResult" });
