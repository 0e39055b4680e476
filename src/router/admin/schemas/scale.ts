import * as z from "zod";
import { SCALE_MODES } from "../../../contracts/scale.ts";
import { list, shardId } from "./common.ts";

const part = z.number().meta({ description: "A part of the limit: 0 is idle, 1 is the limit." });
const time = z.number().int().meta({ description: "Milliseconds since 1970." });
const mode = z.enum(SCALE_MODES).meta({
  description: "`on` changes the ring, `suggest` says what it would do, `off` does nothing.",
});

const decision = z.object({
  at: time,
  kind: z.enum(["hold", "add", "step", "drain", "back"]),
  reason: z.string().meta({ example: "81 % of sockets on auto-2, mark 75 %" }),
  done: z.boolean().meta({ description: "False where the decision has not changed the ring." }),
  change: z
    .union([
      z.object({ kind: z.literal("add"), count: z.number().int(), region: z.string() }),
      z.object({ kind: z.enum(["drain", "remove"]), id: shardId }),
    ])
    .optional()
    .meta({ description: "The change that a suggestion is about; its request takes `dryRun`." }),
});

export const scaleReport = z
  .object({
    mode,
    chosen: z.object({ by: z.string(), at: time }).nullable().meta({
      description: "Who has chosen the mode, and when; null where the configuration or nobody has.",
    }),
    min: z.number().int(),
    max: z.number().int(),
    mark: part,
    target: part,
    shards: list(
      z.object({
        id: shardId,
        region: z.string(),
        weight: z.number().int(),
        fullWeight: z
          .number()
          .int()
          .meta({ description: "The weight after the last step, for a shard that is joining." }),
        owner: z.enum(["policy", "operator"]).meta({ description: "The policy drains only its own shards." }),
        callers: z.object({ overloaded: z.number().int(), silent: z.number().int() }).optional().meta({
          description:
            "Calls to the shard that others have lately seen fail: refused as overloaded, or without an answer.",
        }),
        load: z
          .object({
            at: time,
            parts: z.object({ sockets: part, upgrades: part, work: part, queued: part }),
            refused: z
              .number()
              .int()
              .meta({ description: "Connections refused for lack of room since the report before." }),
            clients: z
              .record(z.string(), z.number().int())
              .meta({ description: "Sessions by the region of the client." }),
          })
          .nullable(),
      }),
    ),
    last: decision.nullable(),
    decisions: list(decision).meta({
      description: "The decisions that changed the ring, the newest first.",
    }),
    looksAgainAt: time.nullable(),
  })
  .meta({ id: "Scale" });

export const scaleBody = z.strictObject({ mode }).meta({ id: "ChooseScaleMode" });
