import { z } from "zod";
import { count } from "./count.ts";

/** The settings of the Socket.IO front. */
export const socketioSchema = z
  .strictObject({
    // The path of the requests of clients, as their option `path`.
    path: z
      .string()
      .max(128)
      .regex(/^\/[\w.~-]+(\/[\w.~-]+)*\/?$/, 'it must be a path such as "/socket.io/"')
      .transform((path) => (path.endsWith("/") ? path : `${path}/`))
      .default("/socket.io/"),
    // `alarm`: the shard's alarm pings, the runtime absorbs the answers, and sockets sleep. `timer`: as a stock server
    // does it, for clients that take nothing but pings; no socket sleeps (docs/from-socket-io.md).
    heartbeat: z.enum(["alarm", "timer"]).default("alarm"),
    // As `times.pingIntervalMs`, unless it is given. Below a second only for tests of the protocol.
    pingIntervalMs: count(100, 300_000).optional(),
    // A client waits so long for a ping that is late, and a server with timers so long for its answer. The alarm of a
    // busy shard is late by seconds.
    pingTimeoutMs: count(100, 300_000).default(20_000),
    // The headers of the upgrade that `socket.handshake.headers` has. Each socket keeps them in its attachment.
    handshakeHeaders: z.array(z.string().toLowerCase()).max(20).default([]),
  })
  .prefault({});
