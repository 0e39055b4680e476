import "./env.ts";
import { centrifugeFront } from "./centrifuge/front.ts";
import { Channel } from "./channel/channel.ts";
import { Coordinator } from "./coordinator/coordinator.ts";
import type { Hooks } from "./hooks/hooks.ts";
import { createRouter } from "./router/router.ts";
import { Shard } from "./shard/shard.ts";

/** What a deployment gives in code; its settings are in its variables (config.ts). */
export type RingcastOptions = { readonly hooks?: Hooks };

export type Ringcast = {
  readonly handler: {
    fetch(request: Request, env: Cloudflare.Env, ctx: ExecutionContext): Response | Promise<Response>;
  };
  readonly Shard: typeof Shard;
  readonly Channel: typeof Channel;
  readonly Coordinator: typeof Coordinator;
};

export type * from "./hooks/hooks.ts";

/**
 * A cluster: the handler of the Worker and its three Durable Object classes, to be exported as `Shard`, `Channel`
 * and `Coordinator` and bound as `SHARD`, `CHANNEL` and `COORDINATOR`. These names are never changed.
 */
export function createRingcast({ hooks = {} }: RingcastOptions = {}): Ringcast {
  const router = createRouter(hooks);
  const front = centrifugeFront();
  return {
    handler: { fetch: router.fetch },
    Shard: class extends Shard {
      static override readonly front = front;
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
