import * as z from "zod";

/** Fields that several methods of the server API have. Fields have Centrifugo's names; an unknown field is refused (SPEC AP8). */

export const channel = z.string().min(1).max(1024).meta({ example: "chat:lobby" });
export const user = z.string().min(1).max(255).meta({ example: "ann" });
export const offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const data = z
  .unknown()
  .optional()
  .meta({ description: "Any JSON value", example: { hello: "world" } });
export const b64data = z.string().optional().meta({ description: "JSON text in Base64, in place of `data`" });
export const client = z.string().optional().meta({ description: "Only this client of the user" });
export const session = z.string().max(0, "this server gives clients no session ids").optional();
export const seconds = z
  .number()
  .int()
  .min(0)
  .optional()
  .meta({ description: "Seconds since 1970; 0: never" });
export const position = z.strictObject({ offset: offset.default(0), epoch: z.string().default("") });

export const shardOutcome = z.object({
  shard: z.string(),
  region: z.string(),
  ok: z.boolean(),
  delivered: z.number().int().meta({ description: "The number of sessions" }),
  ms: z.number(),
  pending: z.boolean().optional().meta({ description: "Not delivered yet, and delivered later" }),
});

export const empty = z.object({});
export const noParams = z.strictObject({});
export const channelParams = z.strictObject({ channel });
