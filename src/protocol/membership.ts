/** What shards and the coordinator tell each other. */

/** Counters of a shard as it sees itself. */
export type ShardStatus = {
  readonly sessions: number;
  readonly channels: number;
  readonly ringEpoch: number;
  readonly digest: string;
};

/** Sessions that would leave a shard under another descriptor, by the id of the shard that would own them. */
export type Prediction = { readonly sessions: number; readonly to: Readonly<Record<string, number>> };

/** How many sessions a shard closed because of an epoch, once none is left to move. */
export type MovesReport = { readonly shard: string; readonly ringEpoch: number; readonly moved: number };

export type SessionSummary = {
  readonly client: string;
  readonly user: string;
  readonly key: string;
  readonly shard: string;
  readonly connectedAt: number;
  readonly channels: readonly string[];
};
