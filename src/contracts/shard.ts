import type { Descriptor } from "../ring/descriptor.ts";
import type { PresenceCount, PresenceLimit, PresenceList } from "./presence.ts";
import type { Present } from "./publication.ts";
import type { SentAddress } from "./address.ts";
import type { LoadStatus } from "./scale.ts";
import type { UsageReport } from "./usage.ts";
import type { Registration } from "./log.ts";
import type {
  ActOrder,
  Branch,
  Delivered,
  Delivery,
  Outcome,
  OwnedMessage,
  Reached,
  SentByRing,
} from "./orders.ts";

/** Counters of a shard as it sees itself. */
export type ShardStatus = {
  readonly sessions: number;
  /** Different ones, the anonymous one included. */
  readonly users: number;
  readonly channels: number;
  readonly subscriptions: number;
  /** When the object last came to life, ms since 1970. */
  readonly wokeAt: number;
  readonly ringEpoch: number;
  readonly digest: string;
  /** Events that were dropped in this life, because a receiver had too many waiting (SPEC BD60). Absent: none. */
  readonly droppedEvents?: number;
  /** Absent in 0.2.0. */
  readonly load?: LoadStatus;
  /** Sessions here whose first owner is another shard, by its id. Absent in 0.2.0. */
  readonly guests?: Readonly<Record<string, number>>;
  /** When the report was sent, by the clock of the shard. With reports only; absent in 0.2.0. */
  readonly sentAt?: number;
  /** Absent in 0.2.0. */
  readonly usage?: UsageReport;
};

/** Sessions that would leave a shard under another descriptor, by the id of the shard that would own them. */
export type Prediction = { readonly sessions: number; readonly to: Readonly<Record<string, number>> };

export type SessionSummary = {
  readonly client: string;
  readonly user: string;
  readonly key: string;
  readonly shard: string;
  /** ms since 1970. */
  readonly connectedAt: number;
  readonly channels: readonly string[];
};

/** At most so many sessions, which have about so many bytes. `orId`: the session with this id counts as the user's. */
export type SessionsLimit = { readonly sessions: number; readonly bytes: number; readonly orId?: string };
/** `more`: the shard has further sessions of the user. */
export type SessionsPage = { readonly sessions: readonly SessionSummary[]; readonly more: boolean };

/** The channels after a name whose name fits a pattern; an empty pattern fits all. At most so many, and so many bytes. */
export type ChannelsQuery = {
  readonly pattern: string;
  readonly after: string;
  readonly names: number;
  readonly bytes: number;
};
/** Listeners by channel, in the order of the names. `more`: the shard has further channels after the last one. */
export type ChannelsPage = {
  readonly channels: ReadonlyMap<string, number>;
  readonly more: boolean;
};

/** The calls of channels, the coordinator and the router that a shard's object answers, whatever its front. */
export interface ShardContract {
  /**
   * Shows a descriptor; an older one and a repetition change nothing. `broadcast`: how far the coordinator has sent
   * this shard the broadcast channel; read by release 0.2.0.
   */
  adopt(descriptor: Descriptor, broadcast: Registration | undefined, contract: number): Promise<void>;
  /** The moves from here that a descriptor would cause, by the function that the moves go by. */
  predict(descriptor: Descriptor, contract: number): Promise<Prediction>;
  status(contract: number): Promise<ShardStatus>;
  /** Speaks to the live feed until then, ms since 1970. */
  watch(until: number, contract: number): Promise<void>;
  deliver(delivery: Delivery, contract: number): Promise<Delivered>;
  /**
   * Whether the shard has a listener of a channel. False ends the registration under which it is asked.
   */
  attends(channel: string, contract: number): Promise<boolean>;
  /** The clients that listen to a channel through this shard; for release 0.2.0, which sets no limit. */
  presenceHere(channel: string, contract: number): Promise<Present[]>;
  /** The same, if they are within a limit. */
  presenceUpTo(channel: string, limit: PresenceLimit, contract: number): Promise<PresenceList>;
  /** How many they are. */
  presenceCount(channel: string, contract: number): Promise<PresenceCount>;
  /** Sessions by channel, of the channels whose name matches; at most `limit` of them. For release 0.2.0. */
  channelsHere(pattern: string, limit: number, contract: number): Promise<Record<string, number>>;
  /** The same, a page at a time and in the order of the names. */
  channelsPage(query: ChannelsQuery, contract: number): Promise<ChannelsPage>;
  /** The sessions of a user; for release 0.2.0, which sets no limit. */
  sessionsOf(user: string, contract: number): Promise<SessionSummary[]>;
  /** The same, within a limit. */
  sessionsUpTo(user: string, limit: SessionsLimit, contract: number): Promise<SessionsPage>;
  /** Carries out an action for the sessions that are here. `target` is the shard itself. */
  carryOut(order: ActOrder, target: SentAddress, contract: number): Promise<Reached>;
  /** Sends to users that this shard owns, unless it knows of a newer ring than the caller. */
  sendOwned(message: OwnedMessage, contract: number): Promise<SentByRing>;
  /** Carries out a part of a fan-out, and answers for each of its shards, also for those that it did not reach. */
  relay(branch: Branch, contract: number): Promise<Outcome<Delivered | Reached>[]>;
  /** Asks the front of the shard a question of its own. Absent before contract 3. */
  askFront(question: string, contract: number): Promise<string>;
  /** Does at once what is due, after the clock was moved. For development only (SPEC PK25). */
  elapse(contract: number): Promise<void>;
  /** Dies as a crash would have it: no close frame, and no memory survives. For development only. */
  crash(): Promise<void>;
}
