import "./env.ts";
import type { DurableObject } from "cloudflare:workers";
import { centrifugeFront } from "./centrifuge/front.ts";
import { Channel } from "./channel/channel.ts";
import { Coordinator } from "./coordinator/coordinator.ts";
import type { Hooks } from "./hooks/hooks.ts";
import { readEnvWith } from "./platform/bindings.ts";
import { mount, type Mount } from "./router/mount.ts";
import { createRoutes, partsWith, type Routes } from "./router/router.ts";
import { consumeQueue as consume } from "./server/consume-queue.ts";
import { createServer } from "./server/server.ts";
import type { Server } from "./server/server-types.ts";
import { ServerService } from "./server/service.ts";
import { Shard } from "./shard/shard.ts";
import { socketioOf } from "./socketio/cluster.ts";
import { socketioFront } from "./socketio/front.ts";
import type { Namespace } from "./socketio/namespace.ts";
import { ServerHandlers } from "./socketio/registry.ts";
import { Schemas as ChannelChecks } from "./typed/schemas.ts";
import type { ChannelSchemas } from "./typed/types.ts";
import type { AnyData, AnyEvents, Events } from "./socketio/types.ts";

/** The part of a deployment that is code. Its settings are in its variables (config/config.ts). */
export type RingcastOptions<
  Listen extends Events = AnyEvents,
  Emit extends Events = Listen,
  ServerSide extends Events = AnyEvents,
  Data = AnyData,
  Schemas extends ChannelSchemas = ChannelSchemas,
> = {
  readonly hooks?: Hooks;
  /** The data of channels: `defineChannels({ "chat:*": schema })`. Each publication of a client or back end has to fit. */
  readonly channels?: Schemas;
  /** Describes the server of Socket.IO clients, if there is one (docs/from-socket-io.md). */
  readonly socketio?: (io: ServerHandlers<Listen, Emit, ServerSide, Data>) => void;
  /**
   * The beginning of the names of this cluster's bindings, variables and secrets, such as `GAME_`: it then has `GAME_SHARD`,
   * `GAME_RINGCAST`, `GAME_API_KEY`, and sees no other. It MUST NOT change, as a binding's name finds the stored objects.
   */
  readonly prefix?: string;
  /** The path before each address of the cluster, such as `/realtime`. */
  readonly basePath?: string;
};

/** A Durable Object class of the cluster. Only the cluster calls its methods. */
export type ClusterObject = new (ctx: DurableObjectState, env: Cloudflare.Env) => DurableObject<object>;

/**
 * A cluster: the exports of a deployment's Worker. Called with the Worker's `env` it is the server API, for any code of
 * the Worker (docs/from-your-worker.md).
 */
export type Ringcast<
  Emit extends Events = AnyEvents,
  ServerSide extends Events = AnyEvents,
  Data = AnyData,
  Schemas extends ChannelSchemas = ChannelSchemas,
> = {
  (env: Cloudflare.Env): Server<Schemas>;
  readonly handler: Pick<Mount, "fetch">;
  /** Answers the requests to the addresses of the cluster, and answers each other one with undefined. */
  readonly routeRequest: Mount["routeRequest"];
  /** The addresses for an application with Hono: `app.route("/realtime", ringcast.routes())`. */
  routes(): Routes;
  readonly Shard: ClusterObject;
  readonly Channel: ClusterObject;
  readonly Coordinator: ClusterObject;
  /** The shards of Socket.IO clients. A Worker with such clients MUST export it, and bind it as `SHARD_SOCKETIO`. */
  readonly SocketIoShard: ClusterObject;
  /** The server API for other Workers, which bind this class as the entrypoint of a service. */
  readonly RingcastService: new (ctx: ExecutionContext, env: Cloudflare.Env) => ServerService;
  /** Publishes the messages of a queue: `export default { ...handler, queue: consumeQueue }`. */
  consumeQueue(batch: MessageBatch<unknown>, env: Cloudflare.Env): Promise<void>;
  /** Reaches Socket.IO clients from any code of the Worker. */
  socketio(env: Cloudflare.Env): Namespace<Emit, ServerSide, Data>;
};

export type { ClusterSettings } from "./config/cluster.ts";
export type { NamespaceSettings } from "./config/namespace.ts";
export type * from "./hooks/hooks.ts";
export type * from "./server/server-types.ts";
export * from "./typed/channels.ts";
export type { QueuedPublication } from "./server/consume-queue.ts";
export type { ServerService } from "./server/service.ts";
export type { NamespaceHandlers, ServerHandlers } from "./socketio/registry.ts";
export type { Broadcaster } from "./socketio/broadcaster.ts";
export type { Namespace } from "./socketio/namespace.ts";
export type { RemoteSocket } from "./socketio/remote-socket.ts";
export type { Socket } from "./socketio/socket.ts";
// Declarations that are made of a project name these types (SPEC PK14).
export type * from "./socketio/types.ts";
export type { Mount } from "./router/mount.ts";
export type { Routes } from "./router/router.ts";

/**
 * Makes a cluster: the handler of the Worker, and its three Durable Object classes.
 *
 * The Worker MUST export the classes as classes of its own (`export class Shard extends ringcast.Shard {}`), and bind them
 * as `SHARD`, `CHANNEL` and `COORDINATOR`. The names of class and binding MUST NOT change, because the storage of an
 * object belongs to its class (docs/platform.md P39).
 */
export function createRingcast<
  Listen extends Events = AnyEvents,
  Emit extends Events = Listen,
  ServerSide extends Events = AnyEvents,
  Data = AnyData,
  const Schemas extends ChannelSchemas = ChannelSchemas,
>({
  hooks = {},
  channels,
  socketio,
  prefix = "",
  basePath = "",
}: RingcastOptions<Listen, Emit, ServerSide, Data, Schemas> = {}): Ringcast<Emit, ServerSide, Data, Schemas> {
  const schemas = channels && new ChannelChecks(channels);
  const partsOf = partsWith({ hooks, schemas });
  const readEnv = readEnvWith(prefix);
  const serverOf = (env: Cloudflare.Env) => createServer(readEnv(env), partsOf);
  if (!/^(\/[^/?#]+)*$/.test(basePath))
    throw new TypeError(
      `basePath is a path such as "/realtime", without a slash at its end, and not "${basePath}"`,
    );
  const addresses = { socketio: socketio !== undefined, readEnv: prefix === "" ? undefined : readEnv };
  const { fetch, routeRequest } = mount(
    createRoutes(partsOf, { ...addresses, basePath, hasIndex: true }),
    basePath,
  );
  const server = new ServerHandlers<Listen, Emit, ServerSide, Data>();
  socketio?.(server);
  const socketFront = socketioFront(server);
  const front = centrifugeFront(schemas);
  return Object.assign(serverOf as (env: Cloudflare.Env) => Server<Schemas>, {
    handler: { fetch },
    routeRequest,
    routes: () => createRoutes(partsOf, addresses),
    RingcastService: class extends ServerService {
      protected static override readonly serverOf = serverOf;
    },
    consumeQueue: (batch: MessageBatch<unknown>, env: Cloudflare.Env) => consume(batch, serverOf(env)),
    Shard: class extends Shard {
      static override readonly front = front;
      static override readonly hooks = hooks;
      constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
        super(ctx, readEnv(env));
      }
    },
    SocketIoShard: class extends Shard {
      static override readonly front = socketFront;
      static override readonly hooks = hooks;
      constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
        super(ctx, readEnv(env));
      }
    },
    socketio: (env: Cloudflare.Env) => {
      const own = readEnv(env);
      const { failures } = partsOf(own).cache;
      return socketioOf<Emit, ServerSide, Data>(own, { onFailed: failures.note.bind(failures) });
    },
    Channel: class extends Channel {
      static override readonly hooks = hooks;
      constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
        super(ctx, readEnv(env));
      }
    },
    Coordinator: class extends Coordinator {
      static override readonly hooks = hooks;
      constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
        super(ctx, readEnv(env));
      }
    },
  });
}

const partsOf = partsWith({ hooks: {} });

/** The server API of the cluster whose objects have the usual bindings, for code that does not have the cluster at hand. */
export const ringcast = (env: Cloudflare.Env): Server => createServer(readEnvWith("")(env), partsOf);
