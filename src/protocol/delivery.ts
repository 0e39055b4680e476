/** What a Channel sends to the shards that have listeners. */

/** One thing that listeners hear of, in the channel's order. `body` is JSON text, ready for the frame. */
export type Entry =
  | { readonly kind: "pub"; readonly offset: number; readonly body: string }
  | { readonly kind: "join" | "leave"; readonly body: string };

export type Delivery = {
  readonly channel: string;
  /** The number of the registration under which the shard is listening; see {@link DeliveryResult}. */
  readonly registration: number;
  readonly logEpoch: string;
  readonly entries: readonly Entry[];
};

/** `noListeners` ends the registration, if its number is still the current one. There is no other way to end it. */
export type DeliveryResult = { readonly kind: "delivered" | "noListeners" };

export type Registration = { readonly number: number; readonly logEpoch: string; readonly top: number };

/** One client of a channel; `info` is its `ClientInfo` as JSON text. */
export type Present = { readonly client: string; readonly user: string; readonly info: string };

/** A join or leave, on its way to the channel. A held leave is the close of a move: the user is about to return. */
export type PresenceEvent = {
  readonly kind: "join" | "leave";
  readonly user: string;
  readonly body: string;
  readonly held: boolean;
};
