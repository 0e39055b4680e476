/**
 * One server process: Miniflare with workerd, and storage on disk. It takes orders from its parent, and can be killed
 * at any moment. The next process goes on with the same storage.
 */
import { dirname } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { Order, ServerOptions } from "./server.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as ServerOptions;
const server = new Miniflare({
  ...convertV4MiniflareOptions({
    name: "ringcast",
    modules: true,
    scriptPath: options.script,
    modulesRoot: dirname(options.script),
    compatibilityDate: "2026-10-20",
    bindings: options.bindings,
    durableObjects: {
      SHARD: { className: "Shard", useSQLite: true },
      SHARD_SOCKETIO: { className: "SocketIoShard", useSQLite: true },
      CHANNEL: { className: "Channel", useSQLite: true },
      COORDINATOR: { className: "Coordinator", useSQLite: true },
    },
  }),
  host: "127.0.0.1",
  port: options.port,
  resourcePersistencePath: options.storage,
});
await server.ready;
process.send?.({ ready: true });

process.on("message", (order: Order) => {
  const { className, name, webSockets } = order;
  server.unsafeEvictDurableObject("ringcast", className, { name, webSockets }).then(
    () => process.send?.({ done: order.id }),
    (error: unknown) => process.send?.({ done: order.id, error: String(error) }),
  );
});
// The process ends with its parent.
process.on("disconnect", () => process.exit(0));
