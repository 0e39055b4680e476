import * as z from "zod";
import { b64data, data, shardOutcome, user } from "./fields.ts";

export const sendParams = z.strictObject({
  user: user.optional(),
  users: z.array(user).min(1).optional(),
  data,
  b64data,
  mode: z.enum(["ring", "fanout", "auto"]).default("auto"),
});
export const sendResult = z.object({
  mode: z.enum(["ring", "fanout"]),
  delivered: z.number().int().meta({ description: "The number of sessions that got the message" }),
  offline: z.array(z.string()).meta({ description: "Users without a session that got the message" }),
  shards: z.array(shardOutcome),
  calls: z.number().int().meta({ description: "The number of calls between objects" }),
  ms: z.number(),
});
