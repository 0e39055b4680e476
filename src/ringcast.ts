import { Channel } from "./channel/channel.ts";
import { Coordinator } from "./coordinator/coordinator.ts";
import type { Hooks } from "./hooks/hooks.ts";
import { createRouter } from "./router/router.ts";
import { Shard } from "./shard/shard.ts";

/** What a deployment gives in code; its settings are in its variables (config.ts). */
export type RingcastOptions = { readonly hooks?: Hooks };

/**
 * A cluster: the handler of the Worker and its three Durable Object classes, to be exported as `Shard`, `Channel`
 * and `Coordinator` and bound as `SHARD`, `CHANNEL` and `COORDINATOR`. These names are never changed.
 */
export function createRingcast({ hooks = {} }: RingcastOptions = {}) {
  const router = createRouter(hooks);
  return {
    handler: { fetch: router.fetch } satisfies ExportedHandler<Cloudflare.Env>,
    Shard: class extends Shard {
      static override readonly hooks = hooks;
    },
    Channel: class extends Channel {
      static override readonly hooks = hooks;
    },
    Coordinator: class extends Coordinator {
      static override readonly hooks = hooks;
    },
  };
}
