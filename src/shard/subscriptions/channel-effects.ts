import type { HistoryResult, Listening, Registration } from "../../contracts/log.ts";
import type { LogView, Position } from "../../contracts/publication.ts";
import type { Batch } from "../wire.ts";
import type { Resume } from "./resume.ts";

export type ListenRequest<Listener> = {
  readonly listener: Listener;
  /** Null for a listener that begins now. */
  readonly resume: Resume | null;
  /** The listener wants each batch with the publication before it. */
  readonly wantsPrevious: boolean;
};

export type ChannelEffects<Listener> = {
  /** `listening`: the shard has listeners already. */
  readonly register: (channel: string, listening: Listening | null) => Promise<Registration | null>;
  readonly view: (channel: string, after: number) => Promise<LogView>;
  /** The publications after a position, as many as one call holds. */
  readonly page: (channel: string, since: Position) => Promise<HistoryResult>;
  readonly emitter: {
    emit(batch: Batch, listeners: ReadonlySet<Listener>): void;
    /** Resolves when a further batch may be emitted. */
    room(): Promise<void>;
  };
  /** Keeps the positions through a sleep; told when one has changed. */
  readonly positions: { touch(channel: string): void };
  /** These listeners have missed what the channel cannot tell: they must begin anew. They listen no more. */
  readonly giveUp: (channel: string, listeners: readonly Listener[]) => void;
};
