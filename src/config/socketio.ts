import * as z from "zod";
import { count } from "./count.ts";
import type { timesSchema } from "./times.ts";

/** The options of a stock server, with its defaults. */
const recoverySchema = z.strictObject({
  // How long a session is kept after its socket has gone, in ms.
  maxDisconnectionDuration: count(1_000, 86_400_000).default(120_000),
  // A recovered socket was let in before.
  skipMiddlewares: z.boolean().default(true),
});

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
    // A client that comes back in time is the same socket and gets what it has missed. Off by default: its rows cost
    // (docs/from-socket-io.md). Undefined where it is off.
    connectionStateRecovery: z
      .union([z.boolean(), recoverySchema])
      .default(false)
      .transform((option) => (option === true ? recoverySchema.parse({}) : option || undefined)),
  })
  .prefault({});

type Settings = {
  readonly socketio: z.infer<typeof socketioSchema>;
  readonly times: z.infer<typeof timesSchema>;
};

/** What was sent so long before a sign of life of a client has reached it: it was sent before a ping that did. */
export const receivedAfterMs = ({ socketio, times }: Settings): number =>
  2 * (socketio.pingIntervalMs ?? times.pingIntervalMs) + socketio.pingTimeoutMs;

/** Between the clocks of objects. */
const SLACK_MS = 10_000;

/**
 * How long what was sent is kept for sessions that come back: until the session runs out, and before that for as long
 * as a lost connection may go unnoticed. Undefined where nothing is recovered.
 */
export function keptForRecoveryMs(settings: Settings): number | undefined {
  const { connectionStateRecovery } = settings.socketio;
  if (connectionStateRecovery === undefined) return undefined;
  return connectionStateRecovery.maxDisconnectionDuration + receivedAfterMs(settings) + SLACK_MS;
}
