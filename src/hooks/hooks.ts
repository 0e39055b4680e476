import type { ShardSpec } from "../ring/descriptor.ts";

/**
 * The functions through which the code of a deployment takes part in a cluster (SPEC HK1 to HK8). Each is optional.
 *
 * **Hooks that decide**: `authenticate`, `onConnect`, `onSubscribe`, `onPublish` and `onRpc`. The operation waits for the
 * hook's answer, for at most `times.hookTimeoutMs` (5,000 ms by default). The hook answers with one of these:
 *
 * - nothing (`undefined` or `null`): the operation goes on unchanged;
 * - a change, such as a {@link PublishChange}: the operation goes on with the change;
 * - a {@link Refusal}: the client gets an error reply, or its connection is closed.
 *
 * A hook that throws, takes longer or gives another answer refuses this one operation with the temporary error 100, and
 * the session stays open. The hooks of one session run one after the other, in the order of the session's commands.
 *
 * **Hooks that are told**: `onDisconnect`, `onChannelOccupied`, `onChannelVacated` and `onShardChange`. Nothing waits for
 * them. A hook is told of each event at least once. If the hook throws, or takes longer than `times.hookTimeoutMs`, it
 * is called again with the same `id`, with growing pauses, for one day. So each of these hooks MUST be safe to repeat.
 */
export type Hooks = {
  /**
   * Called in the router for each upgrade, before the connection has a shard. Returns the identity of the user who
   * connects, for example from a cookie. The identity counts as a valid token of that user, and any token of the client
   * is then ignored. Without an answer the client's token decides. A refusal reaches the client at its `connect`,
   * because a browser does not show the answer to an upgrade. As JSON text the answer has at most 8,192 characters.
   */
  authenticate?(event: AuthenticateEvent): Answer<Identity>;
  /**
   * Called for each `connect` command, after the user is known and before the client gets its answer. A client sends
   * `connect` again after each reconnect, also when its session moves to another shard.
   */
  onConnect?(event: ConnectEvent): Answer<ConnectChange>;
  /**
   * Called for each `subscribe` command of a client, also where a token or the namespace permits it. The server's own
   * subscriptions (the channels of a token, of `onConnect` and of the server API) do not call it.
   */
  onSubscribe?(event: SubscribeEvent): Answer<SubscribeChange>;
  /** Called for each `publish` command of a client. Publications through the server API do not call it. */
  onPublish?(event: PublishEvent): Answer<PublishChange>;
  /** Called for each `rpc` command, and answers it. Without this hook the client gets the error 108. */
  onRpc?(event: RpcEvent): Answer<RpcAnswer>;
  /**
   * Told that a session has ended which had been let in at `connect`. The reason may be anything, also a crash of the
   * session's shard (SPEC HK4).
   */
  onDisconnect?(event: DisconnectEvent): Told;
  /** Told that a channel has its first listener. */
  onChannelOccupied?(event: ChannelEvent): Told;
  /**
   * Told that a channel has had no listener for `times.vacatedGraceMs` (5,000 ms by default). Occupied and vacated
   * alternate for each channel (SPEC HK7). A session that moves causes neither.
   */
  onChannelVacated?(event: ChannelEvent): Told;
  /** Told that the cluster has a new ring epoch, because shards were added, drained, removed or re-weighted. */
  onShardChange?(event: ShardChangeEvent): Told;
};

type Awaitable<T> = T | Promise<T>;
type Answer<Change> = Awaitable<Change | Refusal | null | undefined | void>;
type Told = Awaitable<void>;

/**
 * Refuses an operation with an error reply. `code` is from 100 to 1999; applications use 400 to 1999. A stock client
 * repeats the operation if the error is `temporary` (docs/protocol.md C31).
 */
export type RefusedWithError = {
  readonly error: {
    readonly code: number;
    readonly message: string;
    readonly temporary?: boolean | undefined;
  };
};

/**
 * Closes the connection. `code` is from 3000 to 4999. A stock client reconnects after 3000 to 3499 and 4000 to 4499, and
 * stays away after 3500 to 3999 and 4500 to 4999 (docs/protocol.md C33). `reason` has at most 123 bytes of UTF-8 and
 * MUST NOT be JSON text (docs/platform.md P13, docs/protocol.md C34).
 */
export type RefusedWithDisconnect = {
  readonly disconnect: { readonly code: number; readonly reason: string };
};

/** An answer that refuses the operation. */
export type Refusal = RefusedWithError | RefusedWithDisconnect;

/** The answer of `authenticate`. */
export type Identity = {
  /** The user's id, or empty for an anonymous visitor. */
  readonly user: string;
  /** JSON that other clients see in presence, joins, leaves and publications. */
  readonly info?: unknown;
  /** The end of the identity, in ms since 1970. Without it the identity does not expire. */
  readonly expiresAt?: number | undefined;
};

/** The answer of `onConnect`. */
export type ConnectChange = {
  /** JSON for the client, in the reply to `connect`. */
  readonly data?: unknown;
  /** Channels that the server subscribes the client to, in addition to those of its token. */
  readonly channels?: readonly string[] | undefined;
  /** JSON that other clients see, in place of the info of the token or identity. */
  readonly info?: unknown;
};

/** The answer of `onSubscribe`. */
export type SubscribeChange = {
  /** Grants the subscription where the namespace does not (SPEC HK1). */
  readonly allow?: true | undefined;
  /** JSON about this subscription that other clients see in presence, joins, leaves and publications. */
  readonly info?: unknown;
  /** JSON for the client, in the reply to `subscribe`. */
  readonly data?: unknown;
};

/** The answer of `onPublish`. */
export type PublishChange = {
  /** Grants the publication where the namespace does not (SPEC HK1). */
  readonly allow?: true | undefined;
  /** JSON that is published in place of the client's data. */
  readonly data?: unknown;
  /** Tags of the publication, which tags filters compare (docs/protocol.md C28). */
  readonly tags?: Readonly<Record<string, string>> | undefined;
};

/** The answer of `onRpc`: JSON for the client. */
export type RpcAnswer = { readonly data: unknown };

/** The session that an event belongs to. */
export type HookSession = {
  /** The client id, new with each connection (docs/protocol.md C15). */
  readonly client: string;
  /** The user's id, or empty for an anonymous visitor. */
  readonly user: string;
  /** The affinity key that placed the connection. It does not prove the user. */
  readonly key: string;
  /** The info of the connection, a JSON value. */
  readonly info: unknown;
};

/** The shard that the session is on. */
export type HookShard = { readonly id: string; readonly region: string };

/** Work that goes on after the hook has answered: `ctx.waitUntil(promise)`. */
export type HookContext = { waitUntil(promise: Promise<unknown>): void };

type InSession = {
  readonly env: Cloudflare.Env;
  readonly ctx: HookContext;
  readonly shard: HookShard;
  readonly session: HookSession;
};

/** `region` is the client's region (docs/platform.md P34), and `auto` where it is unknown. `request` is the upgrade. */
export type AuthenticateEvent = {
  readonly env: Cloudflare.Env;
  readonly ctx: HookContext;
  readonly region: string;
  readonly request: Request;
};

/** `data`, `name` and `version` are the client's own words in `connect`, and prove nothing. */
export type ConnectEvent = InSession & {
  readonly data: unknown;
  readonly name: string;
  readonly version: string;
};

/** `data` is the client's JSON in `subscribe`. */
export type SubscribeEvent = InSession & { readonly channel: string; readonly data: unknown };

/** `data` is the JSON that the client publishes. */
export type PublishEvent = InSession & { readonly channel: string; readonly data: unknown };

/** `data` is the client's JSON in `rpc`. `method` is empty where the client names none. */
export type RpcEvent = InSession & { readonly method: string; readonly data: unknown };

/** `id` belongs to this event alone and stays the same in each repetition. `at` is in ms since 1970. */
type ToldEvent = {
  readonly env: Cloudflare.Env;
  readonly ctx: HookContext;
  readonly id: string;
  readonly at: number;
};

/** `code` and `reason` are those of the close. A session whose shard died has the code 1006 and the reason `lost`. */
export type DisconnectEvent = ToldEvent & {
  readonly shard: HookShard;
  readonly session: HookSession;
  readonly code: number;
  readonly reason: string;
};

export type ChannelEvent = ToldEvent & { readonly channel: string };

/** `cause` says what changed, `by` names the author, and `shards` are the shards of the new epoch. */
export type ShardChangeEvent = ToldEvent & {
  readonly ringEpoch: number;
  readonly cause: string;
  readonly by: string;
  readonly shards: readonly ShardSpec[];
};
