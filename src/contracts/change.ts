import type { Move, RingDiff } from "../ring/diff.ts";
import type { ShardSpec } from "../ring/descriptor.ts";

/** A change of the ring that an operator asks for. */
export type Change =
  | {
      readonly kind: "add";
      /** Exactly these, or `count` new ones whose ids are made by the coordinator. */
      readonly ids?: readonly string[] | undefined;
      readonly count?: number | undefined;
      readonly region?: string | undefined;
      readonly weight?: number | undefined;
    }
  | { readonly kind: "drain" | "remove"; readonly id: string }
  | { readonly kind: "weight"; readonly id: string; readonly weight: number }
  /** Several shards at once. */
  | { readonly kind: "weights"; readonly ids: readonly string[]; readonly weight: number }
  | { readonly kind: "rollback"; readonly ringEpoch: number }
  /** The shards of a region that does not answer, and those that answer again; by the coordinator alone. */
  | { readonly kind: "outage" | "recovery"; readonly ids: readonly string[] };

export type ChangeRequest = {
  readonly change: Change;
  readonly dryRun: boolean;
  /** The author, for the record. */
  readonly by: string;
};

export type ChangeRefusalCode = "notFound" | "conflict" | "lastShard" | "tooManyShards" | "badShards";

/** The sessions that a change will move, by the shard that they leave and by the one that they go to. */
export type PredictedMoves = {
  readonly moving: number;
  readonly from: Readonly<Record<string, number>>;
  readonly to: Readonly<Record<string, number>>;
  /** Shards that did not answer, so that their sessions are not counted. */
  readonly unknown: readonly string[];
};

/** A difference of rings; in a call a run of slots is an array of two numbers, and no tuple. */
export type SentDiff = Omit<RingDiff, "moves"> & {
  readonly moves: readonly (Omit<Move, "ranges"> & { readonly ranges: readonly (readonly number[])[] })[];
};

export type ChangeResult = {
  /** False where the ring was so already. */
  readonly changed: boolean;
  readonly dryRun: boolean;
  /** The epoch that holds afterwards; of a dry run, the one that would. */
  readonly ringEpoch: number;
  readonly cause: string;
  readonly shards: readonly ShardSpec[];
  readonly diff: SentDiff | null;
  readonly predicted: PredictedMoves;
  /** How many shards know the new epoch, and which are still to be told. */
  readonly told: { readonly shards: number; readonly pending: readonly string[] };
};

export type ChangeAnswer =
  | { readonly kind: "done"; readonly result: ChangeResult }
  | { readonly kind: "refused"; readonly code: ChangeRefusalCode; readonly message: string };
