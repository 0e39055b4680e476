import * as z from "zod";
import { list } from "./common.ts";

export const userParam = z.object({ user: z.string().min(1).max(255) });

export const sessionsQuery = z.object({
  of: z.string().min(1).max(255).meta({ description: "A user, or the id of a session." }),
});

export const userSessions = z
  .object({
    sessions: list(
      z.object({
        client: z.string(),
        user: z.string(),
        key: z.string(),
        shard: z.string(),
        connectedAt: z.number().int(),
        channels: list(z.string()),
      }),
    ),
    truncated: z.boolean().meta({ description: "The user has more sessions than this answer." }),
    unreachable: list(z.string()),
  })
  .meta({ id: "UserSessions" });

export const userDisconnected = z
  .object({ disconnected: z.number().int(), unreachable: list(z.string()) })
  .meta({ id: "UserDisconnected" });
