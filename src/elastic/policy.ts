import type { Load } from "./load.ts";

/** The settings of the policy. Loads are parts of a limit, times are ms. */
export type ScalePolicy = {
  /** The fewest shards of the cluster, and the most. */
  readonly min: number;
  readonly max: number;
  /** The most shards that one decision adds. */
  readonly step: number;
  /** A region whose fullest shard is at the mark grows. A region whose mean is below a quarter of it may shrink. */
  readonly mark: number;
  /** Above this a region is under pressure: growth waits for nothing. */
  readonly pressureMark: number;
  /** The mean load that a change aims at. */
  readonly target: number;
  /** How old a report of an unchanged shard may be. The policy decides no faster than twice this. */
  readonly reportMs: number;
  /** A region without a shard gets one when it has so many clients, and loses it below a quarter of that. */
  readonly regionMin: number;
  /** The regions that may get a first shard (SPEC EL48). */
  readonly opens: readonly string[];
  /** A region must have been low for this long before it shrinks. */
  readonly lowForMs: number;
  /** No decision is undone within this time. */
  readonly settleMs: number;
  /** A shard younger than this is not drained. */
  readonly youngMs: number;
};

/** A factor of four lies between the marks of growing and of shrinking, so that no change leads to its opposite. */
export const LOW_PART = 1 / 4;
/** A new shard takes its part in so many steps of weight. */
export const STEPS = 4;
/** The policy stops after so many rounds of growth that have not helped. */
export const ROUNDS_WITHOUT_EFFECT = 3;
/** A round has helped if the fullest shard's load has fallen to this part. */
export const EFFECT = 0.9;

/** The calls to a shard that others have lately seen fail. It is unreachable from there, and perhaps only from there. */
export type CallersView = {
  /** Refused, as the shard has too much to do. */
  readonly overloaded: number;
  /** Without an answer. */
  readonly silent: number;
  /** How long that says something of the shard, ms since 1970. */
  readonly until: number;
};

/** One shard of the ring, as the policy sees it. */
export type Member = {
  readonly id: string;
  readonly region: string;
  readonly weight: number;
  /** The weight that the shard has after its last step. */
  readonly fullWeight: number;
  /** `down`: the region does not answer, and comes back as it was (SPEC EL45). */
  readonly state: "active" | "draining" | "down";
  /** `policy`: the policy has added the shard, and no operator has touched it since. */
  readonly owner: "policy" | "operator";
  /** When the shard joined, ms since 1970. */
  readonly since: number;
  /** The last report; absent if the shard has not reported. */
  readonly load?: Load;
  /** Absent if no call has failed lately. */
  readonly callers?: CallersView;
};

/** The shard takes its part in steps, and has not taken the last one. */
export const isJoining = ({ weight, fullWeight }: Member): boolean => weight < fullWeight;

export type PastDecision = {
  readonly at: number;
  readonly kind: "add" | "drain" | "step" | "back";
  readonly region: string;
  /** Empty for an addition, as the coordinator makes the ids afterwards. */
  readonly ids: readonly string[];
  /** The load of the region's fullest shard at that time. */
  readonly fullest: number;
  /** The region had shards enough, and one of them was too full. */
  readonly skewed: boolean;
};

/** What the policy remembers from one decision to the next. Plain data, so that the coordinator can store it. */
export type Memory = {
  /** The last decisions that changed the ring, the newest last. */
  readonly decisions: readonly PastDecision[];
  /** Since when each region has been low. */
  readonly lowSince: Readonly<Record<string, number>>;
};

/** The memory of a cluster that has never decided. */
export const NO_MEMORY: Memory = { decisions: [], lowSince: {} };

export type Situation = {
  readonly members: readonly Member[];
  readonly defaultRegion: string;
  readonly policy: ScalePolicy;
  readonly memory: Memory;
  /** When the sessions that are moving are expected to have moved, ms since 1970; undefined if none is moving. */
  readonly movingUntil: number | undefined;
  /** ms since 1970. */
  readonly now: number;
};

/** A change of the ring, or none, with its reason in words and numbers. */
export type Decision =
  | { readonly kind: "hold"; readonly reason: string }
  | {
      readonly kind: "add";
      readonly region: string;
      readonly count: number;
      /** 1 is the full weight. */
      readonly part: number;
      readonly reason: string;
    }
  | {
      readonly kind: "step";
      readonly ids: readonly string[];
      readonly weight: number;
      readonly reason: string;
    }
  /** `back`: the shard never became healthy. */
  | { readonly kind: "drain" | "back"; readonly ids: readonly [string]; readonly reason: string };
