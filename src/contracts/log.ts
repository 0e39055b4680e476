import type { SentAddress } from "./address.ts";
import type { Usage } from "./usage.ts";
import type { LogView, Position, Publication } from "./publication.ts";

/** A publication on its way to its log; see {@link Publication} for `body`. */
export type PublishRequest = {
  /** Makes a repeated call known: the same id publishes once (SPEC LG4). */
  readonly id: string;
  readonly body: string;
  /** Not kept: heard by the clients that are connected, at most once. */
  readonly passing?: boolean;
  /** Skipped where the channel has this version of the document, or a newer one, already. */
  readonly version?: { readonly number: number; readonly epoch: string };
  /** The id is made for the retries of one call, and need not hold for longer. */
  readonly forRetries?: boolean;
  /** When the caller takes this call for failed, ms since 1970 by its own clock; release 0.2.0 does not send it. */
  readonly awaitedUntil?: number;
};

/** `refused`: nothing was stored. */
export type PublishResult = {
  readonly offset: number;
  readonly logEpoch: string;
  readonly refused: "tooLarge" | null;
};

/** The registration of a shard; `offset` is the position that it starts after. */
export type Registration = {
  readonly number: number;
  readonly logEpoch: string;
  readonly offset: number;
  readonly durable: boolean;
  /** See `Delivery.usage`. Only in the answer of a channel. */
  readonly usage?: Usage;
};

/** `position`: how far a shard with listeners has heard; null where it does not know. */
export type Listening = { readonly position: Position | null };

/** `since` is exclusive; `limit` 0 asks for the position alone, -1 for all that may be asked at once. */
export type HistoryQuery = {
  readonly limit: number;
  readonly reverse: boolean;
  readonly since: Position | null;
};

export type HistoryResult = {
  readonly logEpoch: string;
  readonly top: number;
  readonly publications: readonly Publication[];
  readonly refused: "unrecoverablePosition" | "badRequest" | "notAvailable" | null;
};

/** Events of one object that wait for the hooks and the webhook. */
export type WaitingEvents = {
  readonly waiting: number;
  /** Those that this life of the object has dropped, because a receiver had too many waiting (SPEC BD60). */
  readonly dropped: number;
  /** When the oldest happened, ms since 1970; null where none waits. */
  readonly oldestAt: number | null;
};

/** The calls that a log's home answers: the channel's object, or the coordinator for the broadcast channel. */
export interface LogContract {
  /**
   * From now on the shard gets every event. Once for each shard, not once for each of its clients.
   *
   * A shard without listeners (`listening` null) starts after the newest publication. Any other starts after its own
   * position, or after what the log has recorded as delivered to it; the answer is null where both are unknown.
   */
  register(shard: SentAddress, listening: Listening | null, contract: number): Promise<Registration | null>;
  /** The newest publications, for clients that resume: none at or before `after`, and as many as may be resumed. */
  view(after: number, contract: number): Promise<LogView>;
  history(query: HistoryQuery, contract: number): Promise<HistoryResult>;
  /** Drops every publication; the top stays. */
  removeHistory(contract: number): Promise<void>;
  /** Absent in 0.2.0. */
  waitingEvents(contract: number): Promise<WaitingEvents>;
}
