import * as z from "zod";
import { b64data, channel, data, offset, shardOutcome } from "./fields.ts";

const publication = {
  data,
  b64data,
  skip_history: z
    .boolean()
    .optional()
    .meta({ description: "Delivered to the present subscribers, and not kept" }),
  tags: z.record(z.string(), z.string()).optional(),
  idempotency_key: z.string().max(256).optional().meta({
    description:
      "A repetition of the key within 5 minutes publishes nothing, and is answered with the first result; without a history as long as the channel is in memory",
  }),
  delta: z.boolean().optional().meta({ description: "Ignored, because the namespace decides" }),
  version: z.number().int().min(0).optional().meta({
    description: "Publishes nothing if the channel has this version or a newer one; 0: no version",
  }),
  version_epoch: z.string().max(256).optional(),
};

export const publishParams = z.strictObject({
  channel,
  ...publication,
  report: z.boolean().optional().meta({
    description:
      "For the broadcast channel: waits up to 5 s and answers with the outcome at each shard. A publication that its key or version makes a repetition has no report",
  }),
});
export const broadcastParams = z.strictObject({ channels: z.array(channel).min(1), ...publication });

export const publishResult = z.object({
  offset: offset.optional(),
  epoch: z.string().optional(),
  delivered: z.number().int().optional(),
  shards: z.array(shardOutcome).optional(),
  ms: z.number().optional(),
});
const apiError = z.object({ code: z.number().int(), message: z.string() });
export const broadcastResult = z.object({
  responses: z.array(z.object({ result: publishResult.optional(), error: apiError.optional() })),
});
