import type { ShardSpec } from "../ring/descriptor.ts";

/**
 * What a deployment decides in code (SPEC HK).
 *
 * A hook that decides (`authenticate`, `onConnect`, `onSubscribe`, `onPublish`, `onRpc`) may let pass, change what
 * passes, or refuse. Answering nothing is letting pass. One that throws, takes longer than `times.hookTimeoutMs` or
 * answers what it may not refuses that one operation with the temporary error 100; its session goes on. Hooks of one
 * session run one after the other, in the order of its commands.
 *
 * A hook that hears (`onDisconnect` and those below it) is told of a fact at least once, and again, with the same
 * `id`, until it returns: MUST be safe to repeat. What it throws is tried again for a day, with growing pauses.
 */
export type Hooks = {
  /**
   * Says who opens a connection, before it is placed; runs in the router. Counts as a valid token of that user and
   * goes before whatever token the client has. Answering nothing leaves it to the token.
   */
  authenticate?(event: AuthenticateEvent): Answer<Identity>;
  /** A client says `connect`, and it is known who it is. Runs again after each reconnect, also after a move. */
  onConnect?(event: ConnectEvent): Answer<ConnectChange>;
  /** A client asks for a channel, by whatever right. Not asked for what the server subscribes it to. */
  onSubscribe?(event: SubscribeEvent): Answer<SubscribeChange>;
  /** A client publishes. Not asked for what comes through the server API. */
  onPublish?(event: PublishEvent): Answer<PublishChange>;
  /** Answers `rpc`. Without it clients get 108. */
  onRpc?(event: RpcEvent): Answer<RpcAnswer>;
  /** A session that had been let in has ended, in whatever way, a crash of its shard included. */
  onDisconnect?(event: DisconnectEvent): Heard;
  /** A channel has its first listener. */
  onChannelOccupied?(event: ChannelEvent): Heard;
  /** A channel has lost its last listener, and `times.vacatedGraceMs` have passed without another. */
  onChannelVacated?(event: ChannelEvent): Heard;
  /** The cluster has a new epoch. */
  onShardChange?(event: ShardChangeEvent): Heard;
};

type Awaitable<T> = T | Promise<T>;
type Answer<Change> = Awaitable<Change | Refusal | null | undefined | void>;
type Heard = Awaitable<void>;

/** An error reply: a code from 100 to 1999. A stock client tries again what is `temporary`. */
export type RefusedWithError = {
  readonly error: {
    readonly code: number;
    readonly message: string;
    readonly temporary?: boolean | undefined;
  };
};
/**
 * Ends the connection: a code from 3000 to 4999. Stock clients come back after 3000 to 3499 and 4000 to 4499, and stay
 * away after the others. The reason has at most 123 bytes and MUST NOT be JSON.
 */
export type RefusedWithDisconnect = {
  readonly disconnect: { readonly code: number; readonly reason: string };
};
export type Refusal = RefusedWithError | RefusedWithDisconnect;

/** Times are ms since 1970. `info` is shown to others in presence, joins, leaves and publications. */
export type Identity = {
  readonly user: string;
  readonly info?: unknown;
  readonly expiresAt?: number | undefined;
};

/** `data` goes into the reply; `channels` are subscribed to by the server, beside those of the token. */
export type ConnectChange = {
  readonly data?: unknown;
  readonly channels?: readonly string[] | undefined;
  readonly info?: unknown;
};

/** `allow` grants what the namespace does not; `info` is shown to others; `data` goes into the reply. */
export type SubscribeChange = {
  readonly allow?: true | undefined;
  readonly info?: unknown;
  readonly data?: unknown;
};

/** `allow` grants what the namespace does not; `data` is published in place of the client's. */
export type PublishChange = {
  readonly allow?: true | undefined;
  readonly data?: unknown;
  readonly tags?: Readonly<Record<string, string>> | undefined;
};

export type RpcAnswer = { readonly data: unknown };

/** The client's session. `key` is what placed it; `user` is empty for nobody. */
export type HookSession = {
  readonly client: string;
  readonly user: string;
  readonly key: string;
  readonly info: unknown;
};

export type HookShard = { readonly id: string; readonly region: string };

type InSession = {
  readonly env: Cloudflare.Env;
  readonly shard: HookShard;
  readonly session: HookSession;
};

/** `region`: where the client is, as far as the platform says. */
export type AuthenticateEvent = {
  readonly env: Cloudflare.Env;
  readonly region: string;
  readonly request: Request;
};
/** What the client says of itself. */
export type ConnectEvent = InSession & {
  readonly data: unknown;
  readonly name: string;
  readonly version: string;
};
export type SubscribeEvent = InSession & { readonly channel: string; readonly data: unknown };
export type PublishEvent = InSession & { readonly channel: string; readonly data: unknown };
export type RpcEvent = InSession & { readonly method: string; readonly data: unknown };

/** `id` is the same each time that the fact is told, and of no other fact; `at` is when it was found. */
type Told = { readonly env: Cloudflare.Env; readonly id: string; readonly at: number };

/** `reason` is that of the close, or `lost` where the shard died and nobody knows; `code` is 1006 then. */
export type DisconnectEvent = Told & {
  readonly shard: HookShard;
  readonly session: HookSession;
  readonly code: number;
  readonly reason: string;
};
export type ChannelEvent = Told & { readonly channel: string };
export type ShardChangeEvent = Told & {
  readonly ringEpoch: number;
  readonly cause: string;
  readonly by: string;
  readonly shards: readonly ShardSpec[];
};
