import * as z from "zod";
import { count } from "./count.ts";
import { JURISDICTIONS, regionSchema } from "./regions.ts";

/** The shards that a fresh cluster starts with, and how many it may have. */
export const shardsSchema = z
  .strictObject({
    // Four shards take 80,000 sessions (`limits.sessionsPerShard`).
    initial: count(1, 64).default(4),
    // A shard's part of the ring is its weight beside the weights of the others.
    initialWeight: count(1, 64).default(16),
    // A mistyped number must not start a thousand objects.
    max: count(1, 1000).default(64),
    // The region of the first shards. It serves the clients of each region that has no shard, or does not
    // answer.
    defaultRegion: regionSchema.default("auto"),
    // Part of the address of every object from its first use, so that it cannot change later (SPEC EL46, EL47).
    jurisdiction: z.enum(JURISDICTIONS).optional(),
    // Shuffles the ring: with another seed the same shards own other keys, so nearly every session moves.
    seed: count(0, 0xffff_ffff).default(0),
  })
  .prefault({});
