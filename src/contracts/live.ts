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

/** A channel on one shard: its publications, and how often they were handed to a session. */
export type ChannelCount = {
  readonly channel: string;
  readonly publications: number;
  readonly deliveries: number;
};
/** The most in one pulse. */
export const PULSE_CHANNELS = 10;

/** `close`: of a session; `error`: a reply to a client; `refusal`: an upgrade that found no place here, or any request that a router has refused. */
export type CodeKind = "close" | "error" | "refusal";
export type CodeCount = { readonly kind: CodeKind; readonly code: string; readonly count: number };
/** The most codes of one kind in one pulse: hooks may close with codes of their own. The rest counts as `other`. */
export const PULSE_CODES = 20;

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
  /** The channels with most deliveries since the last pulse, the first one first. Absent for none, and in 0.2.0. */
  readonly busiest?: readonly ChannelCount[];
  /** Since the last pulse. Absent for none, and in 0.2.0. */
  readonly codes?: readonly CodeCount[];
  /** Events that wait for the hooks and the webhook, and those that this life has dropped. Absent for none. */
  readonly events?: { readonly waiting: number; readonly dropped: number };
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
  /** A router has refused these requests itself, and has told no shard of them. */
  | { readonly kind: "refused"; readonly at: number; readonly codes: readonly CodeCount[] }
  /** The scaling policy has looked at the loads. */
  | { readonly kind: "scale"; readonly at: number; readonly report: ScaleReport };
