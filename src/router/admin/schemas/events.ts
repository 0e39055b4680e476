import * as z from "zod";
import { list } from "./common.ts";

export const eventsQuery = z.strictObject({
  channel: z.string().min(1).max(1_024).optional().meta({
    description: "This channel alone, also where nobody listens to it.",
  }),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(500)
    .default(100)
    .meta({ description: "How many channels are asked, those with the most clients first. Each is a call." }),
});

const waiting = z.object({
  waiting: z
    .number()
    .int()
    .meta({ description: "Events, one for each receiver that has not taken it: a hook, or the webhook." }),
  dropped: z.number().int().meta({
    description: "Events that this life of the object has dropped, because too many were waiting.",
  }),
  oldestAt: z.number().int().nullable().meta({ description: "When the oldest happened, ms since 1970." }),
});

export const waitingEvents = z
  .object({
    coordinator: waiting.nullable().meta({
      description:
        "The changes of the ring, and what is published to all. Null: it was not asked, or has not answered.",
    }),
    channels: list(waiting.extend({ channel: z.string() })).meta({
      description: "Of the channels that were asked, those with such an event; the most first.",
    }),
    asked: z.number().int().meta({
      description: "How many channels were asked: those with the most clients, or the one of the query.",
    }),
    truncated: z.boolean().meta({ description: "There are more channels with clients than were asked." }),
    unreachable: list(z.string()).meta({ description: "The channels that have not answered." }),
    silentShards: list(z.string()).meta({
      description: "The shards that have not said which channels have clients there.",
    }),
  })
  .meta({ id: "WaitingEvents" });
