import * as z from "zod";
import { REGIONS, shardIdSchema } from "../../../config/regions.ts";
import { MAX_WEIGHT } from "../../../ring/descriptor.ts";

/** Schemas that several routes of the operator's API use. They check the requests and make the OpenAPI document. */

export const shardId = z.string().meta({ example: "auto-1" });
export const region = z
  .enum(REGIONS)
  .meta({ description: "The location hint of a Durable Object; `auto` gives no hint." });
export const weight = z.number().int().min(1).max(MAX_WEIGHT).meta({
  description: "The shard's part of the ring, relative to the weights of the other shards.",
  example: 16,
});
export const ringEpoch = z.number().int().min(1);
export const list = <Item extends z.ZodType>(item: Item) => z.array(item).readonly();
export const counts = z.record(z.string(), z.number().int());

export const shardParam = z.object({ id: shardIdSchema });
export const channelParam = z.object({ channel: z.string().min(1).max(1024) });

export const errorBody = z
  .object({ error: z.object({ code: z.string(), message: z.string() }) })
  .meta({ id: "Error" });

export const shardSpec = z
  .object({ id: shardId, region: z.string(), weight, state: z.enum(["active", "draining", "down"]) })
  .meta({ id: "Shard" });

export const predictedMoves = z
  .object({
    moving: z.number().int().meta({ description: "Sessions that will move." }),
    from: counts,
    to: counts,
    unknown: list(z.string()).meta({
      description: "Shards that did not answer, so that their sessions are not counted.",
    }),
  })
  .meta({ id: "PredictedMoves" });

export const crashed = z.object({ crashed: z.string() }).meta({ id: "Crashed" });
