import * as z from "zod";

/** The requests and answers of the HTTP API for Socket.IO; they make its OpenAPI document, too. */

const name = z.string().min(1).max(1_024);
const names = z.array(name).max(1_000);
const namespace = z
  .string()
  .max(128)
  .transform((nsp) => (nsp.startsWith("/") ? nsp : `/${nsp}`))
  .default("/")
  .meta({ example: "/chat" });

const target = {
  namespace,
  rooms: names.default([]).meta({
    description:
      "The sockets in one of these rooms, all of the namespace without one. The id of a socket is a room, too.",
    example: ["lobby"],
  }),
  except: names.default([]).meta({ description: "Without the sockets in one of these rooms." }),
};
const to = names.min(1).meta({ description: "The rooms that the sockets join or leave." });
const event = z.union([z.string(), z.number()]).meta({ example: "said" });
const args = z
  .array(z.unknown())
  .default([])
  .meta({ description: '`{"$binary": base64}` is binary data.', example: ["hello"] });

export const emitParams = z.strictObject({
  ...target,
  event,
  args,
  volatile: z.boolean().default(false).meta({ description: "Not for clients that have much unread." }),
  timeoutMs: z.number().int().min(1).max(60_000).optional().meta({
    description: "With it each client answers the event, and the answers come back.",
  }),
});
export const emitResult = z.object({
  answers: z.array(z.unknown()).optional().meta({ description: "One of each client, with `timeoutMs`." }),
  complete: z.boolean().optional().meta({ description: "Whether each client has answered in time." }),
});
export const serverSideResult = z.object({
  answers: z.array(z.unknown()).optional().meta({ description: "One of each shard, with `wait`." }),
  complete: z.boolean().optional().meta({ description: "Whether each shard has answered in time." }),
});
export const serverSideParams = z.strictObject({
  namespace,
  event: z.string(),
  args,
  wait: z.boolean().default(false).meta({ description: "Whether the answers of the shards come back." }),
});
export const joinParams = z.strictObject({ ...target, to });
export const disconnectParams = z.strictObject({
  ...target,
  close: z.boolean().default(false).meta({ description: "Ends the whole connections." }),
});
export const socketsParams = z.strictObject(target);
export const socketsResult = z.object({
  sockets: z.array(
    z.object({
      id: z.string(),
      rooms: z.array(z.string()),
      data: z.unknown(),
      user: z.string().optional().meta({ description: "The identity of its upgrade." }),
    }),
  ),
});
export const done = z.object({});
