import * as z from "zod";
import { list } from "./common.ts";

export const configuration = z
  .object({
    release: z.string(),
    contract: z.number().int(),
    fronts: list(z.string()),
    secrets: list(z.string()).meta({ description: "The names of the secrets that are set; never a value." }),
    settings: list(
      z.object({
        name: z.string().meta({ example: "RINGCAST.limits.sessionsPerShard" }),
        value: z.unknown().meta({ description: "In an address, a password and a query are hidden." }),
        isDefault: z.boolean(),
      }),
    ),
  })
  .meta({ id: "Configuration" });
