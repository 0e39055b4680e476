import * as z from "zod";
import { channel, offset, position } from "./fields.ts";

const clientInfo = z.object({
  client: z.string(),
  user: z.string(),
  conn_info: z.unknown().optional(),
  chan_info: z.unknown().optional(),
});
export const presenceResult = z.object({ presence: z.record(z.string(), clientInfo) });
export const presenceStatsResult = z.object({
  num_clients: z.number().int(),
  num_users: z.number().int(),
});
export const historyParams = z.strictObject({
  channel,
  limit: z
    .number()
    .int()
    .min(-1)
    .optional()
    .meta({ description: "0: the position only; -1: as many publications as one answer may have" }),
  since: position.optional(),
  reverse: z.boolean().optional(),
});
export const historyResult = z.object({
  publications: z.array(
    z.object({
      data: z.unknown(),
      offset,
      info: clientInfo.optional(),
      tags: z.record(z.string(), z.string()).optional(),
    }),
  ),
  offset,
  epoch: z.string(),
});
export const channelsParams = z.strictObject({
  pattern: z
    .string()
    .max(1024)
    .optional()
    .meta({ description: "`*` stands for any text, `?` for one character", example: "chat:*" }),
});
export const channelsResult = z.object({
  channels: z.record(z.string(), z.object({ num_clients: z.number().int() })),
  truncated: z
    .boolean()
    .optional()
    .meta({ description: "The cluster has more channels than one answer may have" }),
});
export const infoResult = z.object({
  nodes: z.array(
    z.object({
      uid: z.string(),
      name: z.string(),
      version: z.string(),
      num_clients: z.number().int(),
      num_users: z.number().int(),
      num_subs: z.number().int(),
      num_channels: z.number().int(),
      uptime: z.number().int(),
    }),
  ),
});
