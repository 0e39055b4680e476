import type { Descriptor } from "../ring/descriptor.ts";
import type { PredictedMoves } from "./change.ts";
import type { ScaleReport } from "./scale.ts";

/**
 * The operator's live feed: a channel without history, to which shards and coordinator speak only while an operator
 * watches. No namespace holds it, so clients cannot name it; a token of the operator's API opens it (SPEC OP1).
 */
export const LIVE_CHANNEL = "ringcast:live";

/** Counts of a shard since its last pulse. */
export type Counts = {
  /** Frames from clients. */
  readonly frames: number;
  readonly connects: number;
  readonly disconnects: number;
  readonly moved: number;
  /** Publications handed to sessions: one that reaches three counts three. */
  readonly deliveries: number;
  readonly resumed: number;
  readonly notResumed: number;
};

/** A namespace of Socket.IO on one shard, and how many rooms have a member there. */
export type NamespaceCount = { readonly name: string; readonly sockets: number; readonly rooms: number };
/** The most in one pulse. */
export const PULSE_NAMESPACES = 20;

/** Once a second, from each shard that is watched. Times are ms since 1970; `intervalMs` is what `counts` cover. */
export type Pulse = {
  readonly kind: "pulse";
  readonly at: number;
  readonly shard: string;
  /** Its front; absent for the first one. */
  readonly front?: string;
  /** Of the front of Socket.IO. */
  readonly namespaces?: readonly NamespaceCount[];
  readonly ringEpoch: number;
  readonly sessions: number;
  readonly subscriptions: number;
  readonly channels: number;
  readonly intervalMs: number;
  readonly counts: Counts;
  /** From the channel's turn of publishing to the shard's of sending; null where nothing was delivered. */
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number } | null;
};

export type LiveEvent =
  | Pulse
  | {
      readonly kind: "epoch";
      readonly at: number;
      readonly descriptor: Descriptor;
      readonly cause: string;
      readonly by: string;
      readonly predicted: PredictedMoves;
    }
  /** A shard is through with moving its sessions for an epoch. */
  | {
      readonly kind: "moved";
      readonly at: number;
      readonly ringEpoch: number;
      readonly shard: string;
      readonly moved: number;
    }
  /** A shard came to life while it was watched: the one before has crashed, or was replaced by a deployment. */
  | { readonly kind: "restarted"; readonly at: number; readonly shard: string; readonly front?: string }
  /** These shards have not taken the epoch; the coordinator goes on trying. */
  | {
      readonly kind: "untold";
      readonly at: number;
      readonly ringEpoch: number;
      readonly shards: readonly string[];
    }
  /** The scaling policy has looked at the loads. */
  | { readonly kind: "scale"; readonly at: number; readonly report: ScaleReport };
