/** What a Channel sends to the shards that have listeners, and what they ask it. */

/** A publication as it is stored and sent; `body` is its JSON text without the offset. */
export type PubEntry = {
  readonly kind: "pub";
  readonly offset: number;
  readonly body: string;
  /** When it was published, ms since 1970; unknown of what was read from the log again. */
  readonly at?: number;
};

/**
 * One thing that listeners hear of, in the channel's order. `body` is JSON text, ready for the frame. `passing` is a
 * publication that is not kept and has no offset, in a channel whose others are.
 */
export type Said = PubEntry | { readonly kind: "join" | "leave" | "passing"; readonly body: string };

/** `cleared`: the channel's history was dropped, and whoever remembers any of it forgets it. */
export type Entry = Said | { readonly kind: "cleared"; readonly body: "" };

export type Delivery = {
  readonly channel: string;
  /** The number of the registration under which the shard is listening; see {@link DeliveryResult}. */
  readonly registration: number;
  readonly logEpoch: string;
  /** Publications are kept: clients are told their offsets, and the shard pulls what it misses. */
  readonly durable: boolean;
  /** The offset before the first publication in `entries`. */
  readonly since: number;
  /** Some of it may have been sent to this shard before, by an instance of the Channel that has died since. */
  readonly mayRepeat: boolean;
  readonly entries: readonly Entry[];
};

/**
 * `noListeners` ends the registration, if its number is still the current one. There is no other way to end it.
 * `sessions`: how many listen.
 */
export type DeliveryResult = { readonly kind: "delivered" | "noListeners"; readonly sessions: number };

/** `offset`: what the shard starts after. */
export type Registration = {
  readonly number: number;
  readonly logEpoch: string;
  readonly offset: number;
  readonly durable: boolean;
};

/** A publication on its way to its channel: `body` is its JSON text, `id` what makes a repetition of the call known. */
export type PublishOrder = {
  readonly id: string;
  readonly body: string;
  /** Not kept: heard by who is connected, at most once. */
  readonly passing?: boolean;
  /** Skipped where the channel has this version of the document, or a newer one, already. */
  readonly version?: { readonly number: number; readonly epoch: string };
};

/** `refused`: nothing was stored. */
export type PublishResult = {
  readonly offset: number;
  readonly logEpoch: string;
  readonly refused: "tooLarge" | null;
};

/** `since` is exclusive; `limit` 0 asks for the position alone, -1 for all that may be asked at once. */
export type HistoryQuery = {
  readonly limit: number;
  readonly reverse: boolean;
  readonly since: { readonly offset: number; readonly logEpoch: string } | null;
};

export type HistoryResult = {
  readonly logEpoch: string;
  readonly top: number;
  readonly publications: readonly PubEntry[];
  readonly refused: "unrecoverablePosition" | "badRequest" | "notAvailable" | null;
};

/** One client of a channel; `info` is its `ClientInfo` as JSON text. */
export type Present = { readonly client: string; readonly user: string; readonly info: string };

/** A join or leave, on its way to the channel. A held leave is the close of a move: the user is about to return. */
export type PresenceEvent = {
  readonly kind: "join" | "leave";
  readonly user: string;
  readonly body: string;
  readonly held: boolean;
};
