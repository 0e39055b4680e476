import type { RingDiff } from "../ring/diff.ts";
import type { Explanation } from "../ring/explain.ts";
import type { ShardSpec, ShardState } from "../ring/descriptor.ts";

/** What shards, the coordinator and the operator's API tell each other. Times are ms since 1970. */

/** Counters of a shard as it sees itself. */
export type ShardStatus = {
  readonly sessions: number;
  /** Different ones, the anonymous one included. */
  readonly users: number;
  readonly channels: number;
  readonly subscriptions: number;
  /** When the object last came to life, ms since 1970. */
  readonly wokeAt: number;
  readonly ringEpoch: number;
  readonly digest: string;
};

/** Sessions that would leave a shard under another descriptor, by the id of the shard that would own them. */
export type Prediction = { readonly sessions: number; readonly to: Readonly<Record<string, number>> };

/** How many sessions a shard closed because of an epoch, once none is left to move. */
export type MovesReport = { readonly shard: string; readonly ringEpoch: number; readonly moved: number };

/** What a change will move: sessions by the shard that they leave and by the one that they go to. */
export type PredictedMoves = {
  readonly moving: number;
  readonly from: Readonly<Record<string, number>>;
  readonly to: Readonly<Record<string, number>>;
  /** Shards that did not answer, so that their sessions are not counted. */
  readonly unknown: readonly string[];
};

export type ChangeResult = {
  /** False where everything was so already. */
  readonly changed: boolean;
  readonly dryRun: boolean;
  /** The epoch that holds afterwards; of a dry run, the one that would. */
  readonly ringEpoch: number;
  readonly cause: string;
  readonly shards: readonly ShardSpec[];
  readonly diff: RingDiff | null;
  readonly predicted: PredictedMoves;
  /** How many shards know the new epoch, and which are still to be told. */
  readonly told: { readonly shards: number; readonly pending: readonly string[] };
};

/** One of the two is null. */
export type ChangeAnswer = {
  readonly result: ChangeResult | null;
  readonly refused: { readonly code: string; readonly message: string } | null;
};

export type ShardReport = {
  readonly id: string;
  readonly region: string;
  readonly weight: number;
  /** `leaving`: removed, and not known to be empty. */
  readonly state: ShardState | "leaving";
  /** Its part of its region's ring, 0 to 1. */
  readonly share: number;
  /** Null where nothing has ever been heard. */
  readonly status: ShardStatus | null;
  /** How old that is, ms; 0 when it has just answered. */
  readonly seenAgeMs: number | null;
  readonly reachable: boolean;
};

export type ClusterReport = {
  readonly ringEpoch: number;
  readonly digest: string;
  readonly seed: number;
  readonly defaultRegion: string;
  readonly shards: readonly ShardReport[];
  /** Shards that do not know the present epoch yet. */
  readonly untold: readonly string[];
};

export type EpochReport = {
  readonly ringEpoch: number;
  readonly at: number;
  readonly cause: string;
  readonly by: string;
  readonly shards: readonly ShardSpec[];
  /** Null for the first. */
  readonly predicted: PredictedMoves | null;
  /** Sessions that the shards have reported as moved, in all and each. */
  readonly moved: number;
  readonly movedFrom: Readonly<Record<string, number>>;
};

/** `previousOwner`: under the epoch before; null where there is none. */
export type OwnerReport = Explanation & { readonly previousOwner: string | null };

export type SessionSummary = {
  readonly client: string;
  readonly user: string;
  readonly key: string;
  readonly shard: string;
  readonly connectedAt: number;
  readonly channels: readonly string[];
};

/** `unreachable`: shards that did not answer and may hold more. */
export type UserSessions = {
  readonly sessions: readonly SessionSummary[];
  readonly unreachable: readonly string[];
};
