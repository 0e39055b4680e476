import type { Channel } from "./channel/channel.ts";
import type { Coordinator } from "./coordinator/coordinator.ts";
import type { Shard } from "./shard/shard.ts";

declare global {
  /**
   * The bindings of a deployment. Their names MUST NOT change, because they find the stored objects. It is no part of
   * `Cloudflare.Env`, whose types are the application's own.
   */
  interface RingcastEnv {
    SHARD: DurableObjectNamespace<Shard>;
    /** The shards of another front, for example `SHARD_SOCKETIO` for the front `socketio` (SPEC FR2). */
    [front: `SHARD_${string}`]: DurableObjectNamespace<Shard> | undefined;
    CHANNEL: DurableObjectNamespace<Channel>;
    COORDINATOR: DurableObjectNamespace<Coordinator>;
    /** The key that permits everything (SPEC AU4). A previous value counts too, while it is replaced (SPEC AU11). */
    API_KEY?: string;
    API_KEY_PREVIOUS?: string;
    /** The key of one operator, for example `OPERATOR_KEY_ANN`: like the `API_KEY`, with a name (SPEC OP20). */
    [operator: `OPERATOR_KEY_${string}`]: string | undefined;
    /** The key that permits reading. */
    READ_KEY?: string;
    READ_KEY_PREVIOUS?: string;
    /** The secret of tokens that are signed with HS256, HS384 or HS512. */
    TOKEN_HMAC_SECRET?: string;
    TOKEN_HMAC_SECRET_PREVIOUS?: string;
    /** The secret that signs the requests to the webhook (SPEC HK6). */
    WEBHOOK_SECRET?: string;
    /** The platform's rate limit for the server API, if the deployment has bound one (docs/platform.md P43). */
    API_RATE_LIMIT?: RateLimit;
    /** The platform's rate limit for upgrades of one client address, if the deployment has bound one (SPEC AU12). */
    UPGRADE_RATE_LIMIT?: RateLimit;
    /** The settings of the cluster, and the fields that replace some of them (config/config.ts). */
    RINGCAST?: unknown;
    RINGCAST_OVERRIDES?: unknown;
  }
}
