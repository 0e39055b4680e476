import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { DialectName } from "../load/dialects.ts";
import { bundle, startWorkerd, type WorkerSpec } from "./workerd.ts";

export const SECRET = "a-secret-of-32-bytes-for-benchmarks";
export const API_KEY = "an-api-key-for-benchmarks";
const FIRST_PORT = Number(process.env["BENCH_PORT"] ?? 9500);

/** Practically no rate limits, because the other servers have none. */
export const LIMITS = {
  upgradesPerSecond: 10_000,
  upgradeBurst: 20_000,
  commandsPerSecond: 10_000,
  commandBurst: 20_000,
};

const ringcast = (changes: object = {}, classes: WorkerSpec["classes"] = {}): WorkerSpec => ({
  source: "ringcast",
  classes: {
    SHARD: "Shard",
    ...classes,
    CHANNEL: "Channel",
    COORDINATOR: "Coordinator",
    // For the case `hot`.
    BARE: "Bare",
    PUBLISHERS: "Publishers",
  },
  bindings: {
    API_KEY,
    READ_KEY: "a-read-key-for-benchmarks",
    TOKEN_HMAC_SECRET: SECRET,
    // Ringcast has one shard, because the other rows have one object.
    RINGCAST: {
      shards: { initial: 1 },
      // The policy would add a shard in the middle of a measurement.
      scale: { mode: "off" },
      limits: LIMITS,
      ...changes,
    },
    RINGCAST_NS_live: { allow_subscribe_for_client: true, allow_publish_for_client: true },
    RINGCAST_NS_kept: {
      allow_subscribe_for_client: true,
      allow_publish_for_client: true,
      history_size: 100,
      history_ttl: "10m",
      force_recovery: true,
    },
  },
});

export type RowName =
  | "bare"
  | "bare, two hops"
  | "PartyServer"
  | "Socket.IO"
  | "ws"
  | "Ringcast"
  | "bare, Socket.IO"
  | "Socket.IO, rooms"
  | "Ringcast, Socket.IO";
type Spec = { readonly dialect: DialectName; readonly worker?: WorkerSpec; readonly node?: string };

/** No ping comes during a measurement, so that a sleeping object stays asleep. */
export const QUIET = { times: { pingIntervalMs: 300_000 } };

const BARE: WorkerSpec = { source: "bare", classes: { ROOM: "Room", RELAY: "Relay" } };

const specs = (changes: object): Record<RowName, Spec> => ({
  bare: { dialect: "bare", worker: BARE },
  "bare, two hops": { dialect: "bare, two hops", worker: BARE },
  PartyServer: { dialect: "partyserver", worker: { source: "partyserver", classes: { Main: "Main" } } },
  "Socket.IO": { dialect: "socket.io", node: "socket-io" },
  ws: { dialect: "ws", node: "ws" },
  Ringcast: { dialect: "ringcast", worker: ringcast(changes) },
  "bare, Socket.IO": {
    dialect: "socket.io, rooms",
    worker: { source: "bare-socketio", classes: { ROOM: "Room" } },
  },
  "Socket.IO, rooms": { dialect: "socket.io, rooms", node: "socket-io" },
  "Ringcast, Socket.IO": {
    dialect: "socket.io, rooms",
    worker: ringcast({ anonymous: true, ...changes }, { SHARD_SOCKETIO: "SocketIoShard" }),
  },
});

/** One server in its own process. */
export type Row = {
  readonly name: RowName;
  readonly dialect: DialectName;
  readonly http: string;
  readonly url: string;
  readonly pid: number;
  readonly inspectorPort: number;
  /** The time of the object, in ms, for each broadcast since the last call. */
  readonly spans: () => Promise<number[]>;
};

const directory = mkdtempSync(join(tmpdir(), "ringcast-bench-"));
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
const bundles = new Map<string, Promise<string>>();
let started = 0;

/** Starts a row, runs `work` on it, and ends it. */
export async function withRow<T>(
  name: RowName,
  work: (row: Row) => Promise<T>,
  changes: object = {},
): Promise<T> {
  const spec = specs(changes)[name];
  const port = FIRST_PORT + 2 * (started++ % 40);
  const child = await start(spec, port);
  running.add(child);
  const http = `http://127.0.0.1:${port}`;
  try {
    await untilUp(http, child);
    const path = name.startsWith("Ringcast") ? "/spans" : "/";
    return await work({
      name,
      dialect: spec.dialect,
      http,
      url: `ws://127.0.0.1:${port}`,
      pid: child.pid ?? 0,
      inspectorPort: port + 1,
      spans: async () => {
        const response = await fetch(`${http}${path}`);
        const spans: number[] = await response.json();
        return spans;
      },
    });
  } finally {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    running.delete(child);
  }
}

async function start({ worker, node }: Spec, port: number): Promise<ChildProcess> {
  if (worker === undefined) {
    const script = join(import.meta.dirname, "../servers", `${node ?? ""}.ts`);
    // The inspector as workerd has it. Its address is at /json, and not in the output.
    const inspector = [`--inspect=127.0.0.1:${port + 1}`, "--inspect-publish-uid=http"];
    return spawn(process.execPath, [...inspector, script, String(port)], {
      stdio: ["ignore", "ignore", "inherit"],
    });
  }
  let file = bundles.get(worker.source);
  if (file === undefined) bundles.set(worker.source, (file = bundle(worker, directory)));
  return startWorkerd(worker, { directory, file: await file, port, inspectorPort: port + 1 });
}

async function untilUp(http: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    try {
      await fetch(http);
      return;
    } catch {
      await sleep(50);
    }
  }
  throw new Error("the server does not answer");
}
