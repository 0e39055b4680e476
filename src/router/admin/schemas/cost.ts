import * as z from "zod";
import { list, shardId } from "./common.ts";

const time = z.number().int().meta({ description: "Milliseconds since 1970." });
const count = z.number();
const dollars = z.number().meta({ description: "US dollars." });

const usage = z.object({
  calls: count.meta({ description: "Calls of other objects and of the router." }),
  upgrades: count,
  frames: count.meta({ description: "Frames from clients; twenty are one request." }),
  alarms: count,
  rowsRead: count,
  rowsWritten: count,
  deliveries: count.meta({ description: "Messages to sessions. They cost only the time of the object." }),
  awakeMs: count.meta({ description: "Time in which a handler waited." }),
});

const line = z
  .object({
    since: time.meta({ description: "The usage is measured since then: a day, or up to two." }),
    usage,
    dollarsAMonth: dollars.meta({
      description: "The price of a month at this rate, as if the plan included nothing.",
    }),
  })
  .meta({ id: "CostLine" });

export const costReport = z
  .object({
    prices: z.object({ date: z.string(), source: z.string() }),
    at: time,
    shards: list(
      z.object({
        id: shardId,
        region: z.string(),
        stale: z.boolean().meta({ description: "The shard did not answer: as at its last report." }),
        cost: line.nullable(),
      }),
    ),
    coordinator: line,
    channels: list(
      z.object({
        namespace: z.string().meta({ description: "Empty for the channels without a namespace." }),
        cost: line,
      }),
    ),
    broadcast: z
      .object({ requests: count, rowsWritten: count, awakeMs: count, dollars })
      .meta({ description: "One broadcast to all sessions that there are now." }),
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
        listPrice: dollars.meta({ description: "The price if the plan included nothing." }),
      })
      .meta({ description: "A month at the present rate, beyond what the plan includes." }),
  })
  .meta({ id: "Cost" });
