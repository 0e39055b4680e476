import type { Explanation } from "../ring/explain.ts";
import type { Descriptor, ShardSpec, ShardState } from "../ring/descriptor.ts";
import type { SentAddress } from "./address.ts";
import type { ChangeAnswer, ChangeRequest, PredictedMoves } from "./change.ts";
import type { CostReport } from "./cost.ts";
import type { LogContract, PublishRequest, PublishResult } from "./log.ts";
import type { Action, FannedOut, Reached } from "./orders.ts";
import type { FailedCalls, ScaleMode, ScaleReport } from "./scale.ts";
import type { SessionSummary, ShardStatus } from "./shard.ts";

/** Times are ms since 1970. */

/** How many sessions a shard closed because of an epoch, once none is left to move. */
export type MovesReport = { readonly shard: string; readonly ringEpoch: number; readonly moved: number };

export type ReportRequest = {
  readonly shard: SentAddress;
  readonly status: ShardStatus;
  readonly moves: readonly MovesReport[];
  /** Calls that this shard and its callers have seen fail at others. Absent where there are none, and in 0.2.0. */
  readonly failed?: readonly FailedCalls[];
};

export type ReportAnswer = {
  /** The present one, where the shard has another. */
  readonly descriptor: Descriptor | null;
  /** The most sessions before the shard hands new connections on; null for no bound. Absent in 0.2.0. */
  readonly bound?: number | null;
  /**
   * Whether other shards have guests of this one; null while not all have said so in the present epoch. Absent in 0.2.0.
   */
  readonly elsewhere?: boolean | null;
};

/** One shard of the ring, over all of its fronts. */
export type ShardReport = {
  readonly id: string;
  readonly region: string;
  readonly weight: number;
  /** The weight after the last step; only where the shard is joining in steps (SPEC EL6). Absent in 0.2.0. */
  readonly fullWeight?: number;
  /** `leaving`: removed, and not known to be empty. */
  readonly state: ShardState | "leaving";
  /** Its part of its region's ring, 0 to 1. */
  readonly share: number;
  /** Null where the coordinator has never heard of it. */
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

/**
 * `unreachable`: shards that did not answer and may hold more. `truncated`: the user has more sessions than may be
 * listed. Absent: no.
 */
export type UserSessions = {
  readonly sessions: readonly SessionSummary[];
  readonly unreachable: readonly string[];
  readonly truncated?: true;
};

/** Sessions by channel. `truncated`: there are more channels than may be listed. */
export type ChannelList = {
  readonly channels: Readonly<Record<string, number>>;
  readonly truncated: boolean;
  readonly unreachable: readonly string[];
};

/** The outcome of a broadcast at one shard. `pending`: not delivered yet, and it still will be. */
export type ShardOutcome = {
  readonly name: string;
  readonly ok: boolean;
  readonly delivered: number;
  readonly ms: number;
  readonly pending: boolean;
};

export type BroadcastAnswer = PublishResult & {
  /** Null where the caller wants none, or nothing was sent: the publication is an earlier one. */
  readonly outcomes: readonly ShardOutcome[] | null;
  readonly ms: number;
};

/** The calls that the coordinator answers. Its log is the broadcast channel's. */
export interface CoordinatorContract extends LogContract {
  descriptor(contract: number): Promise<Descriptor>;
  /** Carries out a change, or with `dryRun` says exactly what it would do, and does nothing (SPEC MB5). */
  change(request: ChangeRequest, contract: number): Promise<ChangeAnswer>;
  /** A shard's counters. */
  report(report: ReportRequest, contract: number): Promise<ReportAnswer>;
  /** A draining shard is empty, and leaves. Late or repeated, the call changes nothing. */
  drained(id: string, contract: number): Promise<void>;
  /**
   * A router has seen no answer from the shards of a region. The coordinator asks them itself (SPEC EL41), and answers
   * with its present descriptor. Absent in 0.2.0.
   */
  unreachable(region: string, contract: number): Promise<Descriptor>;
  /** The cluster as of now. A shard that does not answer shows what it last reported. */
  cluster(contract: number): Promise<ClusterReport>;
  /** The loads of the shards, and what the scaling policy has decided. */
  scale(contract: number): Promise<ScaleReport>;
  /** Chooses the mode of the policy; false where the configuration has one. */
  chooseScaleMode(
    choice: { readonly mode: ScaleMode; readonly by: string },
    contract: number,
  ): Promise<boolean>;
  /** The cluster's estimate of its own bill. Absent in 0.2.0. */
  cost(contract: number): Promise<CostReport>;
  /** The last `limit` epochs, the newest first. */
  epochs(limit: number, contract: number): Promise<EpochReport[]>;
  /** An operator watches the live feed until then. */
  watch(until: number, contract: number): Promise<void>;
  explain(key: string, clientRegion: string, contract: number): Promise<OwnerReport>;
  /** The sessions of a user, wherever its key has put them (SPEC BD40). */
  sessionsOf(user: string, contract: number): Promise<UserSessions>;
  /** The same, and the session whose id this is (SPEC OP24). Absent in 0.2.0. */
  sessionsOfOrId(userOrId: string, contract: number): Promise<UserSessions>;
  /** Carries out an action on every shard: the fan-out mode. */
  act(action: Action, contract: number): Promise<FannedOut<Reached>>;
  /** The channels with listeners, of those whose name matches. */
  channels(pattern: string, contract: number): Promise<ChannelList>;
  /**
   * Publishes to every session of the cluster. Answers when the publication is durable; with `report` when every
   * shard has said to how many sessions it went, or after 5 s (SPEC FO2, FO3).
   */
  broadcast(publication: PublishRequest, report: boolean, contract: number): Promise<BroadcastAnswer>;
  /** Does at once what is due, after the clock was moved. For development only (SPEC PK25). */
  elapse(contract: number): Promise<void>;
  /** Dies as a crash would have it. For development only. */
  crash(): Promise<void>;
}
