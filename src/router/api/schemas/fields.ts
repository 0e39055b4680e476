import { z } from "zod";

/** What the methods of the server API take and give (Centrifugo's names; a field that we do not know is ignored). */

const channel = z.string().min(1).max(1024).meta({ example: "chat:lobby" });
const user = z.string().min(1).max(255).meta({ example: "ann" });
const offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const data = z
  .unknown()
  .optional()
  .meta({ description: "Any JSON value", example: { hello: "world" } });
const b64data = z.string().optional().meta({ description: "JSON text in Base64, in place of `data`" });
const client = z.string().optional().meta({ description: "Only this client of the user" });
const session = z.string().max(0, "this server gives clients no session ids").optional();
const seconds = z.number().int().min(0).optional().meta({ description: "Seconds since 1970; 0: never" });

const position = z.object({ offset: offset.default(0), epoch: z.string().default("") });

const publication = {
  data,
  b64data,
  skip_history: z.boolean().optional().meta({ description: "Sent to who is connected, and not kept" }),
  tags: z.record(z.string(), z.string()).optional(),
  idempotency_key: z.string().max(256).optional().meta({
    description: "The same key within 5 minutes publishes nothing new and gets the first answer",
  }),
  delta: z.boolean().optional().meta({ description: "Ignored: the namespace decides" }),
  version: z.number().int().min(0).optional().meta({
    description: "Skipped where the channel has this version or a newer one; 0: no version",
  }),
  version_epoch: z.string().max(256).optional(),
};

export const publishParams = z.object({
  channel,
  ...publication,
  report: z.boolean().optional().meta({
    description:
      "Of the broadcast channel: wait up to 5 s for what became of it at each shard. There is no report of a publication that is an earlier one by its key or version",
  }),
});
export const broadcastParams = z.object({ channels: z.array(channel).min(1), ...publication });
const shardOutcome = z.object({
  shard: z.string(),
  region: z.string(),
  ok: z.boolean(),
  delivered: z.number().int().meta({ description: "Sessions" }),
  ms: z.number(),
  pending: z.boolean().optional().meta({ description: "Not delivered yet; it still will be" }),
});
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

export const subscribeParams = z.object({
  user,
  channel,
  client,
  session,
  info: z.unknown().optional(),
  b64info: z.string().optional(),
  data,
  b64data,
  recover_since: position.optional(),
  expire_at: seconds,
});
export const unsubscribeParams = z.object({ user, channel, client, session });
export const disconnectParams = z.object({
  user,
  client,
  session,
  whitelist: z.array(z.string()).optional().meta({ description: "Clients that stay" }),
  disconnect: z
    .object({ code: z.number().int().min(3000).max(4999), reason: z.string().default("") })
    .optional()
    .meta({ description: "3000-3499 and 4000-4499: the client comes back" }),
});
export const refreshParams = z.object({
  user,
  client,
  session,
  expired: z.boolean().optional(),
  expire_at: seconds,
  info: z.unknown().optional(),
});
export const empty = z.object({});

export const channelParams = z.object({ channel });
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
export const historyParams = z.object({
  channel,
  limit: z
    .number()
    .int()
    .min(-1)
    .optional()
    .meta({ description: "0: the position alone; -1: all that may be asked at once" }),
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
export const channelsParams = z.object({
  pattern: z
    .string()
    .max(1024)
    .optional()
    .meta({ description: "`*` is any text, `?` one character", example: "chat:*" }),
});
export const channelsResult = z.object({
  channels: z.record(z.string(), z.object({ num_clients: z.number().int() })),
  truncated: z.boolean().optional().meta({ description: "There are more channels than may be listed" }),
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
export const rpcParams = z.object({ method: z.string().min(1), params: z.unknown().optional() });
export const rpcResult = z.object({ data: z.unknown() });

export const sendParams = z.object({
  user: user.optional(),
  users: z.array(user).min(1).optional(),
  data,
  b64data,
  mode: z.enum(["ring", "fanout", "auto"]).default("auto"),
});
export const sendResult = z.object({
  mode: z.enum(["ring", "fanout"]),
  delivered: z.number().int().meta({ description: "Sessions that it was sent to" }),
  offline: z.array(z.string()).meta({ description: "Users of whom no session was reached" }),
  shards: z.array(shardOutcome),
  calls: z.number().int().meta({ description: "Calls between objects that it took" }),
  ms: z.number(),
});

export const batchParams = z.object({
  commands: z.array(z.record(z.string(), z.unknown())).min(1),
  parallel: z.boolean().optional(),
});
export const batchResult = z.object({ replies: z.array(z.record(z.string(), z.unknown())) });
