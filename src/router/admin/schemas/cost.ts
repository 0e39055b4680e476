import { z } from "@hono/zod-openapi";
import { list, shardId } from "./common.ts";

const time = z.number().int().openapi({ description: "Milliseconds since 1970." });
const count = z.number();
const dollars = z.number().openapi({ description: "US dollars." });

const usage = z.object({
  calls: count.openapi({ description: "Calls of other objects and of the router." }),
  upgrades: count,
  frames: count.openapi({ description: "Frames from clients; twenty are one request." }),
  alarms: count,
  rowsRead: count,
  rowsWritten: count,
  deliveries: count.openapi({ description: "Messages to sessions. They cost only the time of the object." }),
  awakeMs: count.openapi({ description: "Time in which a handler waited." }),
});

const line = z
  .object({
    since: time.openapi({ description: "The usage is measured since then: a day, or up to two." }),
    usage,
    dollarsAMonth: dollars.openapi({
      description: "The price of a month at this rate, as if the plan included nothing.",
    }),
  })
  .openapi("CostLine");

export const costReport = z
  .object({
    prices: z.object({ date: z.string(), source: z.string() }),
    at: time,
    shards: list(
      z.object({
        id: shardId,
        region: z.string(),
        stale: z.boolean().openapi({ description: "The shard did not answer: as at its last report." }),
        cost: line.nullable(),
      }),
    ),
    coordinator: line,
    channels: list(
      z.object({
        namespace: z.string().openapi({ description: "Empty for the channels without a namespace." }),
        cost: line,
      }),
    ),
    broadcast: z
      .object({ requests: count, rowsWritten: count, awakeMs: count, dollars })
      .openapi({ description: "One broadcast to all sessions that there are now." }),
    month: z
      .object({
        plan: dollars,
        workerRequests: dollars,
        workerCpuMs: dollars,
        objectRequests: dollars,
        objectGbSeconds: dollars,
        rowsRead: dollars,
        rowsWritten: dollars,
        total: dollars,
        listPrice: dollars.openapi({ description: "The price if the plan included nothing." }),
      })
      .openapi({ description: "A month at the present rate, beyond what the plan includes." }),
  })
  .openapi("Cost");
