import "./env.ts";
import { centrifugeFront } from "./centrifuge/front.ts";
import { Channel } from "./channel/channel.ts";
import { Coordinator } from "./coordinator/coordinator.ts";
import type { Hooks } from "./hooks/hooks.ts";
import { createRouter } from "./router/router.ts";
import { Shard } from "./shard/shard.ts";

/** The part of a deployment that is code. Its settings are in its variables (config/config.ts). */
export type RingcastOptions = { readonly hooks?: Hooks };

/** The exports of a deployment's Worker. */
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
 * Makes a cluster: the handler of the Worker, and its three Durable Object classes.
 *
 * The Worker MUST export the classes as `Shard`, `Channel` and `Coordinator`, and bind them as `SHARD`, `CHANNEL` and
 * `COORDINATOR`. These names MUST NOT change, because the storage of an object belongs to its class (docs/platform.md
 * P39).
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
