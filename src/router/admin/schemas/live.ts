import * as z from "zod";

export const liveBody = z
  .strictObject({
    channels: z
      .array(z.string().min(1).max(1024))
      .max(16)
      .default([])
      .meta({ description: "Channels to watch; `ringcast:live` is the live feed of the cluster." }),
  })
  .meta({ id: "Watch" });

export const liveTokens = z
  .object({
    access: z.enum(["full", "read"]).meta({ description: "The access of the API key of this request." }),
    development: z.boolean(),
    socketioPath: z.string().meta({ description: "The path of Socket.IO clients and of their HTTP API." }),
    channel: z.string().meta({ description: "The channel of the live feed." }),
    connection: z.string().meta({ description: "A connection token without a user." }),
    tokens: z.record(z.string(), z.string()).meta({ description: "The subscription tokens, by channel." }),
    expiresAt: z.number().int(),
  })
  .meta({ id: "WatchTokens" });

export const clientsBody = z
  .strictObject({ users: z.array(z.string().min(1).max(255)).min(1).max(500) })
  .meta({ id: "Clients" });

export const clientTokens = z
  .object({ tokens: z.record(z.string(), z.string()), expiresAt: z.number().int() })
  .meta({ id: "ClientTokens" });
