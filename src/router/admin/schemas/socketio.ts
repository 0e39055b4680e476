import { z } from "@hono/zod-openapi";
import { list } from "./common.ts";

const namespace = z
  .string()
  .min(1)
  .max(128)
  .default("/")
  .openapi({ description: "The namespace of the sockets; `/` is the main one." });
const limit = z.coerce.number().int().min(1).max(500).default(100);

export const roomsQuery = z.strictObject({ namespace, limit });
export const socketsQuery = z.strictObject({
  namespace,
  room: z.string().max(1_024).optional().openapi({ description: "Only the sockets of this room." }),
  limit,
});

const reached = {
  truncated: z.boolean().openapi({ description: "There are more than the answer has." }),
  unreachable: list(z.string()).openapi({ description: "The shards that have not answered." }),
};

export const roomList = z
  .object({
    sockets: z.number().int().openapi({ description: "The sockets of the namespace." }),
    rooms: list(z.object({ room: z.string(), sockets: z.number().int() })),
    ...reached,
  })
  .openapi("SocketIoRooms");

export const socketList = z
  .object({
    sockets: list(
      z.object({
        id: z.string(),
        user: z.string().openapi({
          description: "`socket.data.user`, else the user of the upgrade, else the socket's id.",
        }),
        rooms: list(z.string()),
        connectedAt: z.number().int(),
        data: z.string().openapi({ description: "The beginning of the JSON text of `socket.data`." }),
      }),
    ),
    ...reached,
  })
  .openapi("SocketIoSockets");
