/** Times are ms since 1970. */

/** `suggest`: the cluster says what it would do, and does nothing. */
export const SCALE_MODES = ["off", "suggest", "on"] as const;
export type ScaleMode = (typeof SCALE_MODES)[number];

/** The calls to a shard that callers have seen fail: refused as `overloaded`, or without an answer. */
export type FailedCalls = {
  /** The id of the shard. */
  readonly shard: string;
  readonly overloaded: number;
  readonly silent: number;
};

/** The load of a shard, as a part of each of its limits: 0 is idle, 1 is the limit. */
export type LoadStatus = {
  readonly parts: Readonly<Record<"sockets" | "upgrades" | "work" | "queued", number>>;
  /** Connections that the shard has refused for lack of room since its last report. */
  readonly refused: number;
  /** Sessions by the region of the client. */
  readonly clients: Readonly<Record<string, number>>;
};

export type ShardScale = {
  readonly id: string;
  readonly region: string;
  readonly weight: number;
  /** The weight after the last step; equal to `weight` where the shard is not joining. */
  readonly fullWeight: number;
  /** `policy`: the policy may drain the shard. It leaves an operator's shards alone. */
  readonly owner: "policy" | "operator";
  /** What callers have seen fail in the last report interval; absent where nothing has failed. */
  readonly callers?: Omit<FailedCalls, "shard">;
  /** Null where the shard has never reported. */
  readonly load: (LoadStatus & { readonly at: number }) | null;
};

/** The change of the ring that an operator can make of a suggestion. */
export type SuggestedChange =
  | { readonly kind: "add"; readonly count: number; readonly region: string }
  | { readonly kind: "drain" | "remove"; readonly id: string };

/** The last decision of the policy, carried out or suggested, and its reason. */
export type ScaleDecision = {
  readonly at: number;
  readonly kind: "hold" | "add" | "step" | "drain" | "back";
  readonly reason: string;
  /** False where the mode is `suggest`, or where the coordinator has refused the change. */
  readonly done: boolean;
  /** Only of a suggestion; a step of a joining shard has none. */
  readonly change?: SuggestedChange;
};

/** `by`: as in an epoch of the ring. */
export type ScaleChoice = { readonly by: string; readonly at: number };

export type ScaleReport = {
  readonly mode: ScaleMode;
  /** Who has chosen the mode, and when; null where nobody has, or the configuration sets it. */
  readonly chosen: ScaleChoice | null;
  readonly min: number;
  readonly max: number;
  readonly mark: number;
  readonly target: number;
  readonly shards: readonly ShardScale[];
  /** The newest decision; null where the policy has not looked yet. */
  readonly last: ScaleDecision | null;
  /** The decisions that changed the ring, the newest first. */
  readonly decisions: readonly ScaleDecision[];
  /** When the policy looks again without a report; null where only a report makes it look. */
  readonly looksAgainAt: number | null;
};
