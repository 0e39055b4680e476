import type { Descriptor } from "../ring/descriptor.ts";
import type { Delivery } from "./delivery.ts";

/** What goes out to many shards at once, directly or down a tree. */

/** A delivery, but for what differs from shard to shard. */
export type SharedDelivery = Omit<Delivery, "registration" | "mayRepeat">;

/** What is done with the sessions of some users, on every shard that has any. */
export type Action =
  | { readonly kind: "send"; readonly users: readonly string[]; readonly frame: string }
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
      readonly since: { readonly offset: number; readonly logEpoch: string } | null;
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

export type Order =
  | { readonly kind: "deliver"; readonly delivery: SharedDelivery }
  | { readonly kind: "act"; readonly action: Action };

/** A shard by its object's name; the last two belong to deliveries. */
export type Target = {
  readonly name: string;
  readonly region: string;
  readonly registration?: number;
  readonly mayRepeat?: boolean;
};

/** What a shard did. `users`: how many sessions of each user it reached. */
export type Done = {
  readonly sessions: number;
  readonly noListeners: boolean;
  readonly users: ReadonlyMap<string, number>;
};

/** `done` is null where the shard was not reached. */
export type Outcome = { readonly name: string; readonly ms: number; readonly done: Done | null };

/** `newer`: the shard knows a newer ring and has done nothing. `spilled`: the next owners may have some of its users. */
export type SentByRing = {
  readonly newer: Descriptor | null;
  readonly done: Done | null;
  readonly spilled: boolean;
};
