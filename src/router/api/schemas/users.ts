import * as z from "zod";
import { b64data, channel, client, data, position, seconds, session, user } from "./fields.ts";

export const subscribeParams = z.strictObject({
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
export const unsubscribeParams = z.strictObject({ user, channel, client, session });
export const disconnectParams = z.strictObject({
  user,
  client,
  session,
  whitelist: z.array(z.string()).optional().meta({ description: "Clients that stay connected" }),
  disconnect: z
    .strictObject({ code: z.number().int().min(3000).max(4999), reason: z.string().default("") })
    .optional()
    .meta({ description: "After codes 3000 to 3499 and 4000 to 4499 the client reconnects" }),
});
export const refreshParams = z.strictObject({
  user,
  client,
  session,
  expired: z.boolean().optional(),
  expire_at: seconds,
  info: z.unknown().optional(),
});
