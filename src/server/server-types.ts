import type * as z from "zod";
import type {
  broadcastParams,
  broadcastResult,
  publishParams,
  publishResult,
} from "../router/api/schemas/publish.ts";
import type {
  channelsResult,
  historyParams,
  historyResult,
  infoResult,
  presenceResult,
  presenceStatsResult,
} from "../router/api/schemas/reads.ts";
import type { sendParams, sendResult } from "../router/api/schemas/send.ts";
import type {
  disconnectParams,
  refreshParams,
  subscribeParams,
  unsubscribeParams,
} from "../router/api/schemas/users.ts";
import type { ChannelSchemas, DataOf, DataOfAll } from "../typed/types.ts";

/** An error of the server API, with its code (docs/protocol.md C42). */
export type ServerError = { readonly code: number; readonly message: string };

/** The answer of each method: `const { result, error } = await ringcast(env).publish("lobby", data)`. */
export type Answer<Result> =
  | { readonly result: Result; readonly error?: undefined }
  | { readonly result?: undefined; readonly error: ServerError };

/** The fields of a method that are no argument of their own. */
type Options<Params extends z.ZodType, Arguments extends string> = Readonly<
  Omit<z.input<Params>, Arguments | "session">
>;

export type PublishOptions = Options<typeof publishParams, "channel" | "data" | "b64data" | "delta">;
export type BroadcastOptions = Options<typeof broadcastParams, "channels" | "data" | "b64data" | "delta">;
export type SendOptions = Options<typeof sendParams, "user" | "users" | "data" | "b64data">;
export type SubscribeOptions = Options<typeof subscribeParams, "user" | "channel" | "b64info" | "b64data">;
export type UnsubscribeOptions = Options<typeof unsubscribeParams, "user" | "channel">;
export type DisconnectOptions = Options<typeof disconnectParams, "user">;
export type RefreshOptions = Options<typeof refreshParams, "user">;
export type HistoryOptions = Options<typeof historyParams, "channel">;

export type Published = z.output<typeof publishResult>;
export type Broadcasted = z.output<typeof broadcastResult>;
export type Sent = z.output<typeof sendResult>;
export type Presence = z.output<typeof presenceResult>;
export type PresenceStats = z.output<typeof presenceStatsResult>;
export type History = z.output<typeof historyResult>;
type Kept = History["publications"][number];
/** A history whose publications have data of a known type. */
export type HistoryOf<Data> = Omit<History, "publications"> & {
  publications: (Omit<Kept, "data"> & { data: Data })[];
};
export type Channels = z.output<typeof channelsResult>;
export type Info = z.output<typeof infoResult>;
export type Done = Readonly<Record<string, never>>;

/** `exp` and `expire_at` are in seconds since 1970 (docs/protocol.md C36). */
export type Expiry = {
  /** The end of the token; without it the token ends after an hour. */
  readonly exp?: number;
  /** The end of the session or subscription, where it is not that of the token; 0: never. */
  readonly expire_at?: number;
};

/** The claims of a connection token, besides its user. */
export type ConnectionTokenClaims = Expiry & {
  /** JSON that other clients see in presence, joins, leaves and publications. */
  readonly info?: unknown;
  /** Channels that the server subscribes the client to. */
  readonly channels?: readonly string[];
  readonly subs?: Readonly<Record<string, { readonly info?: unknown; readonly data?: unknown }>>;
};

/** The claims of a subscription token, besides its user and channel. */
export type SubscriptionTokenClaims = Expiry & {
  readonly info?: unknown;
  /** The only connection that may use the token. */
  readonly client?: string;
};

export type Token = {
  readonly token: string;
  /** Its end, in seconds since 1970. */
  readonly expires_at: number;
};

/**
 * The server API. Options and results have the names of the HTTP API, which are Centrifugo's. A method answers with an
 * error as a value; it throws only where the deployment is not configured.
 */
export type Server<Schemas extends ChannelSchemas = ChannelSchemas> = {
  /** Publishes JSON to a channel. A repetition under the same `idempotency_key` publishes nothing (SPEC AP3). */
  publish<Name extends string>(
    channel: Name,
    data: DataOf<Schemas, Name>,
    options?: PublishOptions,
  ): Promise<Answer<Published>>;
  /** Publishes the same JSON to many channels. Each has an answer of its own. */
  broadcast<Name extends string>(
    channels: readonly Name[],
    data: DataOfAll<Schemas, Name>,
    options?: BroadcastOptions,
  ): Promise<Answer<Broadcasted>>;
  /** Sends a message to every session of one or more users, at most once (SPEC FO7). */
  send(users: string | readonly string[], data: unknown, options?: SendOptions): Promise<Answer<Sent>>;
  /**
   * Subscribes every session of a user to a channel. A hook MUST NOT wait for it for the user that it is asked about: that
   * session waits for the hook.
   */
  subscribe(user: string, channel: string, options?: SubscribeOptions): Promise<Answer<Done>>;
  unsubscribe(user: string, channel: string, options?: UnsubscribeOptions): Promise<Answer<Done>>;
  /** Closes every session of a user; the code decides whether its clients reconnect. */
  disconnect(user: string, options?: DisconnectOptions): Promise<Answer<Done>>;
  /** Sets the time at which the sessions of a user expire. */
  refresh(user: string, options?: RefreshOptions): Promise<Answer<Done>>;
  presence(channel: string): Promise<Answer<Presence>>;
  presenceStats(channel: string): Promise<Answer<PresenceStats>>;
  /** Without a `limit` the answer is the position of the channel alone; -1: as many as one answer may have. */
  history<Name extends string>(
    channel: Name,
    options?: HistoryOptions,
  ): Promise<Answer<HistoryOf<DataOf<Schemas, Name>>>>;
  removeHistory(channel: string): Promise<Answer<Done>>;
  /** The channels that have subscribers; `pattern` is a glob. */
  channels(pattern?: string): Promise<Answer<Channels>>;
  info(): Promise<Answer<Info>>;
  /** Signs a connection token with `TOKEN_HMAC_SECRET`, for an hour where the claims say nothing else. */
  token(user: string, claims?: ConnectionTokenClaims): Promise<Answer<Token>>;
  /** Signs a subscription token for one channel in the same way. */
  subscriptionToken(user: string, channel: string, claims?: SubscriptionTokenClaims): Promise<Answer<Token>>;
};
