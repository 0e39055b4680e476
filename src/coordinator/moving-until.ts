import type { ClusterConfig } from "../config/cluster.ts";
import type { PredictedMoves } from "../contracts/change.ts";
import type { EpochReport } from "../contracts/coordinator.ts";

/**
 * When the sessions that an epoch moves will have moved, ms since 1970; undefined if they have (SPEC EL3). They have where
 * the shards have told as many as predicted, or `lastMovesMs` after the time that the configured pace takes.
 */
export function movingUntil(
  epoch: Pick<EpochReport, "at" | "predicted" | "moved"> | undefined,
  parts: {
    readonly pace: Pick<ClusterConfig["moves"], "perSecondToOneShard" | "perSecondFromOneShard">;
    readonly lastMovesMs: number;
    readonly now: number;
  },
): number | undefined {
  const { pace, lastMovesMs, now } = parts;
  if (epoch === undefined || epoch.predicted === null || epoch.moved >= epoch.predicted.moving)
    return undefined;
  const until = epoch.at + pacedMs(epoch.predicted, pace) + lastMovesMs;
  return until > now ? until : undefined;
}

/** How long the moves of a change take at the configured pace. */
const pacedMs = (
  { from, to }: PredictedMoves,
  pace: { readonly perSecondToOneShard: number; readonly perSecondFromOneShard: number },
): number => Math.max(longestMs(to, pace.perSecondToOneShard), longestMs(from, pace.perSecondFromOneShard));

const longestMs = (counts: Readonly<Record<string, number>>, perSecond: number): number =>
  (Math.max(0, ...Object.values(counts)) / perSecond) * 1_000;
