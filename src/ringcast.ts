import "./env.ts";
import { centrifugeFront } from "./centrifuge/front.ts";
import { Channel } from "./channel/channel.ts";
import { Coordinator } from "./coordinator/coordinator.ts";
import type { Hooks } from "./hooks/hooks.ts";
import { createRouter, partsWith } from "./router/router.ts";
import { consumeQueue as consume } from "./server/consume-queue.ts";
import { createServer } from "./server/server.ts";
import type { Server } from "./server/server-types.ts";
import { ServerService } from "./server/service.ts";
import { Shard } from "./shard/shard.ts";
import { socketioOf } from "./socketio/cluster.ts";
import { socketioFront } from "./socketio/front.ts";
import type { Namespace } from "./socketio/namespace.ts";
import { ServerHandlers } from "./socketio/registry.ts";
import type { AnyData, AnyEvents, Events } from "./socketio/types.ts";

/** The part of a deployment that is code. Its settings are in its variables (config/config.ts). */
export type RingcastOptions<
  Listen extends Events = AnyEvents,
  Emit extends Events = Listen,
  ServerSide extends Events = AnyEvents,
  Data = AnyData,
> = {
  readonly hooks?: Hooks;
  /** Describes the server of Socket.IO clients, if there is one (docs/from-socket-io.md). */
  readonly socketio?: (io: ServerHandlers<Listen, Emit, ServerSide, Data>) => void;
};

/**
 * A cluster: the exports of a deployment's Worker. Called with the Worker's `env` it is the server API, for any code of
 * the Worker (docs/from-your-worker.md).
 */
export type Ringcast<
  Emit extends Events = AnyEvents,
  ServerSide extends Events = AnyEvents,
  Data = AnyData,
> = {
  (env: Cloudflare.Env): Server;
  readonly handler: {
    fetch(request: Request, env: Cloudflare.Env, ctx: ExecutionContext): Response | Promise<Response>;
  };
  readonly Shard: typeof Shard;
  readonly Channel: typeof Channel;
  readonly Coordinator: typeof Coordinator;
  /** The shards of Socket.IO clients. A Worker with such clients MUST export it, and bind it as `SHARD_SOCKETIO`. */
  readonly SocketIoShard: typeof Shard;
  /** The server API for other Workers, which bind this class as the entrypoint of a service. */
  readonly RingcastService: typeof ServerService;
  /** Publishes the messages of a queue: `export default { ...handler, queue: consumeQueue }`. */
  consumeQueue(batch: MessageBatch<unknown>, env: Cloudflare.Env): Promise<void>;
  /** Reaches Socket.IO clients from any code of the Worker. */
  socketio(env: Cloudflare.Env): Namespace<Emit, ServerSide, Data>;
};

export type * from "./hooks/hooks.ts";
export type * from "./server/server-types.ts";
export type { QueuedPublication } from "./server/consume-queue.ts";
export type { NamespaceHandlers, ServerHandlers } from "./socketio/registry.ts";
export type { Broadcaster } from "./socketio/broadcaster.ts";
export type { Namespace } from "./socketio/namespace.ts";
export type { RemoteSocket } from "./socketio/remote-socket.ts";
export type { Socket } from "./socketio/socket.ts";

/**
 * Makes a cluster: the handler of the Worker, and its three Durable Object classes.
 *
 * The Worker MUST export the classes as `Shard`, `Channel` and `Coordinator`, and bind them as `SHARD`, `CHANNEL` and
 * `COORDINATOR`. These names MUST NOT change, because the storage of an object belongs to its class (docs/platform.md
 * P39).
 */
export function createRingcast<
  Listen extends Events = AnyEvents,
  Emit extends Events = Listen,
  ServerSide extends Events = AnyEvents,
  Data = AnyData,
>({ hooks = {}, socketio }: RingcastOptions<Listen, Emit, ServerSide, Data> = {}): Ringcast<
  Emit,
  ServerSide,
  Data
> {
  const partsOf = partsWith(hooks);
  const serverOf = (env: Cloudflare.Env): Server => createServer(env, partsOf);
  const router = createRouter(partsOf, { socketio: socketio !== undefined });
  const server = new ServerHandlers<Listen, Emit, ServerSide, Data>();
  socketio?.(server);
  const socketFront = socketioFront(server);
  const front = centrifugeFront();
  return Object.assign(serverOf, {
    handler: { fetch: router.fetch },
    RingcastService: class extends ServerService {
      protected static override readonly serverOf = serverOf;
    },
    consumeQueue: (batch: MessageBatch<unknown>, env: Cloudflare.Env) => consume(batch, serverOf(env)),
    Shard: class extends Shard {
      static override readonly front = front;
      static override readonly hooks = hooks;
    },
    SocketIoShard: class extends Shard {
      static override readonly front = socketFront;
      static override readonly hooks = hooks;
    },
    socketio: socketioOf,
    Channel: class extends Channel {
      static override readonly hooks = hooks;
    },
    Coordinator: class extends Coordinator {
      static override readonly hooks = hooks;
    },
  });
}

const partsOf = partsWith({});

/** The server API of the cluster whose objects have the usual bindings, for code that does not have the cluster at hand. */
export const ringcast = (env: Cloudflare.Env): Server => createServer(env, partsOf);
