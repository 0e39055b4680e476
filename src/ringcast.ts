import { Channel } from "./channel/channel.ts";
import { Coordinator } from "./coordinator/coordinator.ts";
import { createRouter } from "./router/router.ts";
import { Shard } from "./shard/shard.ts";

/** Settings that a deployment gives in code. There are none yet: everything is in its variables (config.ts). */
export type RingcastOptions = Record<string, never>;

/**
 * A cluster: the handler of the Worker and its three Durable Object classes, to be exported as `Shard`, `Channel`
 * and `Coordinator` and bound as `SHARD`, `CHANNEL` and `COORDINATOR`. These names are never changed.
 */
export function createRingcast(_options: RingcastOptions = {}) {
  const router = createRouter();
  return {
    handler: { fetch: router.fetch } satisfies ExportedHandler<Cloudflare.Env>,
    Shard,
    Channel,
    Coordinator,
  };
}
