import type { PresenceCount, PresenceLimit, PresenceList } from "./presence.ts";
import type { Present } from "./publication.ts";
import type { LogContract, PublishRequest, PublishResult } from "./log.ts";

/** A join or a leave on its way to the channel. A held leave is the close of a move: the user is about to return. */
export type PresenceEvent = {
  readonly kind: "join" | "leave";
  readonly user: string;
  readonly body: string;
  readonly held: boolean;
  /** The session's id; release 0.2.0 does not send it, nor the fields after it. */
  readonly client?: string;
  /** The same in each event of a call, and in each repetition of the call. */
  readonly call?: string;
  /** The call is a repetition: an earlier one may have arrived. */
  readonly again?: boolean;
};

/** The calls of shards and of the router that a channel's object answers. It is addressed by the channel's name. */
export interface ChannelContract extends LogContract {
  /** Answers when the publication is durable. Repeating a call with the same `id` publishes nothing new. */
  publish(publication: PublishRequest, contract: number): Promise<PublishResult>;
  /**
   * The same for many, in their order, in one transaction: ids and versions are judged one after the other, and a
   * refusal is of one publication alone (SPEC EL21). Release 0.2.0 does not have it.
   */
  publishAll(publications: readonly PublishRequest[], contract: number): Promise<PublishResult[]>;
  /** A shard has had no listeners for a while. Answers whether the shard is registered all the same. */
  settle(shardKey: string, contract: number): Promise<boolean>;
  /** Joins and leaves, at most once each. */
  announce(events: readonly PresenceEvent[], contract: number): Promise<void>;
  /** The clients of every shard but `except`; for release 0.2.0, which sets no limit. */
  presence(except: string, contract: number): Promise<Present[]>;
  /** The same, if they are within a limit. Rejects if a shard does not answer: a part would be a lie. */
  presenceUpTo(except: string, limit: PresenceLimit, contract: number): Promise<PresenceList>;
  /** How many they are. Rejects if a shard does not answer. */
  presenceCount(except: string, contract: number): Promise<PresenceCount>;
  /** Does at once what is due, after the clock was moved. For development only (SPEC PK25). */
  elapse(contract: number): Promise<void>;
  /** Dies as a crash would have it. For development only. */
  crash(): Promise<void>;
}
