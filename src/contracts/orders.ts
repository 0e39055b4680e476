import type { Descriptor } from "../ring/descriptor.ts";
import type { SentAddress } from "./address.ts";
import type { ChannelEvent, Position } from "./publication.ts";
import type { FailedCalls } from "./scale.ts";
import type { Usage } from "./usage.ts";

/** Orders from one object to one shard or to many, directly or down a tree of shards (SPEC FO5). */

/** One call of a channel to a shard that listens. */
export type Delivery = {
  readonly channel: string;
  /** The number of the registration under which the shard is listening; see {@link Delivered}. */
  readonly registration: number;
  readonly logEpoch: string;
  /** Publications are kept: clients are told their offsets, and the shard pulls what it misses. */
  readonly durable: boolean;
  /** The offset before the first publication in `entries`. */
  readonly since: number;
  /** A part of it may have been sent to this shard before, by an instance of the channel that has died since. */
  readonly mayRepeat: boolean;
  readonly entries: readonly ChannelEvent[];
  /** Calls to shards that the channel has seen fail, for the next report of this one. Absent in 0.2.0. */
  readonly failed?: readonly FailedCalls[];
  /** The channel's usage that it has told no shard (SPEC EL52). Absent in 0.2.0, and where there is none. */
  readonly usage?: Usage;
};

/**
 * `noListeners` ends the registration, if its number is still the current one. `sessions`: how many listen.
 */
export type Delivered = { readonly kind: "delivered" | "noListeners"; readonly sessions: number };

/** An action on the sessions of some users, on every shard that has any. Times are ms since 1970. */
export type Action =
  | {
      readonly kind: "send";
      readonly users: readonly string[];
      /** JSON text. */
      readonly data: string;
    }
  | {
      readonly kind: "disconnect";
      readonly user: string;
      readonly client: string | null;
      readonly except: readonly string[];
      readonly code: number;
      readonly reason: string;
    }
  | {
      readonly kind: "subscribe";
      readonly user: string;
      readonly client: string | null;
      readonly channel: string;
      readonly info: unknown;
      readonly data: unknown;
      readonly expiresAt: number | null;
      readonly since: Position | null;
    }
  | {
      readonly kind: "unsubscribe";
      readonly user: string;
      readonly client: string | null;
      readonly channel: string;
    }
  | {
      readonly kind: "refresh";
      readonly user: string;
      readonly client: string | null;
      readonly expired: boolean;
      readonly expiresAt: number | null;
      readonly info: unknown;
    };
export type ActionOf<Kind extends Action["kind"]> = Extract<Action, { kind: Kind }>;

/** The result of an action at one shard: how many sessions of each user it reached. */
export type Reached = {
  readonly kind: "reached";
  readonly sessions: number;
  readonly users: ReadonlyMap<string, number>;
};

/** A delivery without what differs from shard to shard, and one shard that it is for. */
export type DeliverOrder = {
  readonly kind: "deliver";
  readonly delivery: Omit<Delivery, "registration" | "mayRepeat" | "failed" | "usage">;
};
export type DeliverTarget = SentAddress & Pick<Delivery, "registration" | "mayRepeat" | "usage">;

export type ActOrder = { readonly kind: "act"; readonly action: Action };

/** A part of a fan-out: the shard that gets it carries the order out itself and calls the others. */
export type DeliverBranch = {
  readonly order: DeliverOrder;
  readonly targets: readonly DeliverTarget[];
  readonly waitMs: number;
};
export type ActBranch = {
  readonly order: ActOrder;
  readonly targets: readonly SentAddress[];
  readonly waitMs: number;
};
export type Branch = DeliverBranch | ActBranch;

export const isDeliverBranch = (branch: Branch): branch is DeliverBranch => branch.order.kind === "deliver";

/** The outcome of an order at one shard, by the name of its object. `done` is null where the shard was not reached. */
export type Outcome<Done> = { readonly name: string; readonly ms: number; readonly done: Done | null };

export type FannedOut<Done> = {
  readonly outcomes: readonly Outcome<Done>[];
  /** Calls between objects that it took, those of relays included. */
  readonly calls: number;
};

/** To users that the shard owns under the caller's ring. */
export type OwnedMessage = {
  readonly users: readonly string[];
  readonly data: string;
  readonly ringEpoch: number;
};

/**
 * `newer`: the shard knows a newer ring and has done nothing. `spilled`: the next owners may have some of its users.
 * `settled`: the shard goes by the caller's ring, and has no session that this ring gives to another shard; absent in
 * 0.2.0.
 */
export type SentByRing =
  | {
      readonly kind: "sent";
      readonly reached: Reached;
      readonly spilled: boolean;
      readonly settled?: boolean;
    }
  | { readonly kind: "newer"; readonly descriptor: Descriptor; readonly spilled: boolean };
