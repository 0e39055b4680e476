import { centrifugeFront } from "../../src/centrifuge/front.ts";
import { Channel } from "../../src/channel/channel.ts";
import { Coordinator } from "../../src/coordinator/coordinator.ts";
import type { Hooks } from "../../src/hooks/hooks.ts";
import { configOf } from "../../src/platform/config.ts";
import { configuredDescriptor } from "../../src/platform/configured.ts";
import type { Answer } from "../../src/router/api/answer.ts";
import { channelPublisher } from "../../src/platform/publisher.ts";
import { AnswerBudget } from "../../src/router/api/answer-budget.ts";
import type { Call } from "../../src/router/api/method.ts";
import { publish } from "../../src/router/api/publish.ts";
import { disconnect, refresh, subscribe, unsubscribe } from "../../src/router/api/users.ts";
import { forward, type Forwarded } from "../../src/router/forward.ts";
import { RingCache } from "../../src/router/ring-cache.ts";
import { Shard } from "../../src/shard/shard.ts";
import { socketioOf } from "../../src/socketio/cluster.ts";
import { socketioFront } from "../../src/socketio/front.ts";
import { FRONT } from "../../src/socketio/names.ts";
import { ServerHandlers } from "../../src/socketio/registry.ts";
import type { AnyData, AnyEvents } from "../../src/socketio/types.ts";

export type { Hooks };
export type ClassName = "Shard" | "Channel" | "Coordinator";
/** An order about the sessions of a user. Times are in seconds since 1970. */
export type Order = { readonly user: string } & (
  | { readonly kind: "subscribe" | "unsubscribe"; readonly channel: string }
  | { readonly kind: "disconnect"; readonly disconnect: { readonly code: number; readonly reason: string } }
  | { readonly kind: "refresh"; readonly expire_at: number }
);
/** The classes of a deployment. Release 0.2.0 has one front. */
export type Classes = Readonly<Record<ClassName, unknown>> & { readonly SocketIoShard?: unknown };

/**
 * The code of one release that the simulator runs. `scripts/keep-release.mjs` bundles this file. The kept release has
 * these exports as they were then, so their names and arguments MUST NOT change.
 */
export type Release = {
  readonly classesWith: typeof classesWith;
  readonly Router: typeof Router;
};

/** The server of Socket.IO clients: each may join any room. */
const joining = new ServerHandlers();
joining.on("join", async (socket, room, done) => {
  await socket.join(String(room));
  if (typeof done === "function") done();
});

/** The classes of a deployment that has these hooks. */
export const classesWith = (hooks: Hooks): Classes => ({
  Shard: class extends Shard {
    static override readonly front = centrifugeFront();
    static override readonly hooks = hooks;
  },
  SocketIoShard: class extends Shard {
    static override readonly front = socketioFront(joining);
    static override readonly hooks = hooks;
  },
  Channel: class extends Channel {
    static override readonly hooks = hooks;
  },
  Coordinator: class extends Coordinator {
    static override readonly hooks = hooks;
  },
});

/** One isolate of the Worker. It has a ring of its own, and a deployment replaces it. */
export class Router {
  readonly #env: Cloudflare.Env;
  readonly #cache: RingCache;

  constructor(env: Cloudflare.Env) {
    this.#env = env;
    this.#cache = new RingCache(configuredDescriptor(configOf(env)));
  }

  /** Brings a client to the shard that owns its key. */
  connect(key: string, user?: string): Promise<Forwarded> {
    return forward({
      env: this.#env,
      cache: this.#cache,
      key,
      clientRegion: "auto",
      ...(user === undefined ? {} : { identity: { kind: "user", user } }),
    });
  }

  /** Brings a Socket.IO client to its shard, over a WebSocket. Not in release 0.2.0. */
  connectSocket(key: string): Promise<Forwarded> {
    const ofFront = { query: {}, headers: {}, address: "" };
    return forward({
      env: this.#env,
      cache: this.#cache,
      key,
      clientRegion: "auto",
      front: FRONT,
      ofFront,
    });
  }

  /** An event of a back end for the Socket.IO clients in a room, or for the one with this id. Not in release 0.2.0. */
  async emit(room: string, ...args: unknown[]): Promise<void> {
    await socketioOf<AnyEvents, AnyEvents, AnyData>(this.#env)
      .to(room)
      .emit("said", ...args);
  }

  /** One call of the server API. */
  publish(params: { channel: string; data: unknown; idempotency_key: string }): Promise<Answer> {
    return publish(this.#call(), params);
  }

  /** An order about the sessions of a user. Not in release 0.2.0. */
  order(order: Order): Promise<Answer> {
    const call = this.#call();
    switch (order.kind) {
      case "subscribe":
        return subscribe(call, order);
      case "unsubscribe":
        return unsubscribe(call, order);
      case "disconnect":
        return disconnect(call, order);
      case "refresh":
        return refresh(call, order);
    }
  }

  #call(): Call {
    const config = configOf(this.#env);
    const { times, limits } = config.cluster;
    const publisher = channelPublisher(this.#env, times.deliveryTimeoutMs);
    const answers = new AnswerBudget(limits.apiAnswerBytes);
    return { env: this.#env, config, cache: this.#cache, publisher, answers };
  }
}
