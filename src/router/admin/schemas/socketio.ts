import * as z from "zod";
import { list } from "./common.ts";

const namespace = z
  .string()
  .min(1)
  .max(128)
  .default("/")
  .meta({ description: "The namespace of the sockets; `/` is the main one." });
const limit = z.coerce.number().int().min(1).max(500).default(100);

export const roomsQuery = z.strictObject({ namespace, limit });
export const socketsQuery = z.strictObject({
  namespace,
  room: z.string().max(1_024).optional().meta({ description: "Only the sockets of this room." }),
  limit,
});

const reached = {
  truncated: z.boolean().meta({ description: "There are more than the answer has." }),
  unreachable: list(z.string()).meta({ description: "The shards that have not answered." }),
};

export const roomList = z
  .object({
    sockets: z.number().int().meta({ description: "The sockets of the namespace." }),
    rooms: list(z.object({ room: z.string(), sockets: z.number().int() })),
    ...reached,
  })
  .meta({ id: "SocketIoRooms" });

export const socketList = z
  .object({
    sockets: list(
      z.object({
        id: z.string(),
        user: z.string().meta({
          description: "`socket.data.user`, else the user of the upgrade, else the socket's id.",
        }),
        rooms: list(z.string()),
        connectedAt: z.number().int(),
        data: z.string().meta({ description: "The beginning of the JSON text of `socket.data`." }),
      }),
    ),
    ...reached,
  })
  .meta({ id: "SocketIoSockets" });
