import type { Channel } from "./channel/channel.ts";
import type { Coordinator } from "./coordinator/coordinator.ts";
import type { Shard } from "./shard/shard.ts";

declare global {
  namespace Cloudflare {
    /** The public names of a deployment's bindings. They are never renamed: stored objects are found by them. */
    interface Env {
      SHARD: DurableObjectNamespace<Shard>;
      /** The shards of a further front: `SHARD_SOCKETIO` for the front `socketio`. */
      [front: `SHARD_${string}`]: DurableObjectNamespace<Shard> | undefined;
      CHANNEL: DurableObjectNamespace<Channel>;
      COORDINATOR: DurableObjectNamespace<Coordinator>;
      API_KEY?: string;
      READ_KEY?: string;
      TOKEN_HMAC_SECRET?: string;
      /** Signs what goes to the webhook. */
      WEBHOOK_SECRET?: string;
      /** The platform's rate limit for the server API, where a deployment has bound one. */
      API_RATE_LIMIT?: RateLimit;
      RINGCAST?: unknown;
      RINGCAST_OVERRIDES?: unknown;
    }
  }
}
