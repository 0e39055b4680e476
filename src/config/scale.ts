import * as z from "zod";
import { count } from "./count.ts";

const part = (most: number) => z.number().min(0.01).max(most);

/** How the ring grows and shrinks by itself (SPEC EL). The most shards are `shards.max`. */
export const scaleSchema = z
  .strictObject({
    // Where it is absent, operators choose it: a new cluster begins with "on", and a cluster from before 0.3 with
    // "suggest".
    mode: z.enum(["off", "suggest", "on"]).optional(),
    // The fewest shards. Where it is absent, those that an operator has left: at first the initial ones.
    min: count(1, 1_000).optional(),
    // The most shards that one change adds.
    step: count(1, 64).default(8),
    // The ring grows when the fullest shard is at the mark. It shrinks below a quarter of it, so that no change leads to
    // its opposite: ScyllaDB's tablets have the same factor.
    mark: part(1).default(0.75),
    // Above this mark, and while a shard refuses clients, growth waits for nothing.
    pressureMark: part(1).default(0.9),
    // The mean load that a change aims at.
    target: part(1).default(0.5),
    // A region shrinks when its load has been low for so long.
    lowForMs: count(0, 86_400_000).default(600_000),
    // No decision of the policy is undone within this time.
    settleMs: count(0, 86_400_000).default(900_000),
    // The policy drains no shard that is younger.
    youngMs: count(0, 86_400_000).default(300_000),
    // The moves of a change have ended with their reports, or so long after the time that their pace takes.
    lastMovesMs: count(0, 3_600_000).default(60_000),
    // A region without a shard gets one when it has so many clients: 500, and where `shards.defaultRegion` is "auto",
    // only if it is given here (SPEC EL48).
    regionMin: count(1, 1_000_000).optional(),
    // A shard hands new connections on to the next owner above so many times the mean of its region, and above so many
    // sessions. It works in every mode.
    boundFactor: z.number().min(1.05).max(100).default(1.25),
    // A shard with fewer sessions hands none on.
    boundFloor: count(1, 1_000_000).default(500),
  })
  .prefault({});
