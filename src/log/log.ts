import type { HistoryQuery, HistoryResult, PublishRequest, PublishResult } from "../contracts/log.ts";
import type { LogView, Publication } from "../contracts/publication.ts";

/** `repeated`: the id or the version was known, and nothing was appended. */
export type Appended = PublishResult & { readonly repeated: boolean };

export type LogLimits = {
  /** How many publications are kept, and for how long. */
  readonly size: number;
  readonly ttlMs: number;
  /** How long the top is remembered after the last publication, while no shard listens. */
  readonly metaTtlMs: number;
};

export type LogOptions = {
  readonly limits: LogLimits;
  /** Of a log that is stored for the first time, and has been read before. */
  readonly logEpoch?: string;
  readonly newEpoch: () => string;
  readonly now: number;
};

/** The most that an answer holds: publications, and characters of their bodies. One publication always fits. */
export type Most = { readonly count: number; readonly bytes: number };

/**
 * The numbered publications of one channel.
 *
 * Offsets are contiguous within a log epoch, and a log epoch is never used again after a loss (SPEC LG2, LG3). An
 * append is durable when the object's output gate opens, so a caller that is answered after it can count on it (LG1).
 */
export type Log = {
  /** False: nothing is kept, and the epoch ends with the object's life in memory. */
  readonly durable: boolean;
  readonly logEpoch: string;
  /** The offset of the newest publication, 0 before the first. Trimming keeps it. */
  readonly top: number;
  /** Nothing is remembered that a client or a publisher may still come back to. */
  readonly isForgotten: boolean;
  /** The same `id` again answers with the first offset and appends nothing. */
  append(publication: PublishRequest, now: number): Appended;
  /**
   * The same for many, one after the other: all of them, or none where a write throws (SPEC EL21). `also`: what is written
   * with them.
   */
  appendAll(
    publications: readonly PublishRequest[],
    now: number,
    also?: (appended: readonly Appended[]) => void,
  ): readonly Appended[];
  /** The publications after an offset, oldest first. */
  after(offset: number, most: Most): Publication[];
  /** The newest end of the log: none at or before `after`, and none that has run out. */
  view(after: number, most: Most & { readonly now: number }): LogView;
  history(query: HistoryQuery, most: Most & { readonly now: number }): HistoryResult;
  /** Drops every publication; the top stays. */
  clear(now: number): void;
  /** Drops what has run out; answers when that is next due. `inUse`: shards are registered, so the top stays. */
  expire(now: number, so: { readonly inUse: boolean }): number | undefined;
  /** When `expire` is due at the latest, after an append of this moment; undefined where nothing runs out. */
  dueAfterAppend(now: number): number | undefined;
};
