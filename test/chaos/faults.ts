import { setTimeout as sleep } from "node:timers/promises";
import type { Listeners } from "./listeners.ts";
import type { Returning } from "./returning.ts";
import type { Server } from "./server.ts";
import type { Strangers } from "./strangers.ts";

const EVICT_MS = 5_000;

/** Causes one fault after the other, evenly over the time of the run. A kind of fault comes again when all had a turn. */
export async function breakThings(parts: {
  readonly server: Server;
  readonly apiKey: string;
  readonly listeners: Listeners;
  readonly returning: Returning;
  readonly strangers: Strangers;
  readonly channels: readonly string[];
  readonly random: () => number;
  /** Counts an event of the run. */
  readonly count: (event: string) => void;
  readonly seconds: number;
  readonly faults: number;
  /** So many of the faults kill the whole server. */
  readonly kills: number;
}): Promise<void> {
  const { server, listeners, returning, strangers, channels, random, count, seconds, kills } = parts;
  const { faults: faultCount } = parts;
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const admin = async (method: string, path: string, body?: object): Promise<any> => {
    const response = await fetch(`${server.url}/admin/api${path}`, {
      method,
      headers: { "x-api-key": parts.apiKey, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return response.json();
  };
  const activeShards = async (): Promise<string[]> => {
    const { shards } = await admin("GET", "/epochs?limit=1").then(({ epochs }) => epochs[0]);
    return shards.filter((shard: any) => shard.state === "active").map((shard: any) => shard.id);
  };
  type Evicted = "Shard" | "SocketIoShard" | "Channel";
  const evict = async (className: Evicted, webSockets: "close" | "hibernate") => {
    const name = className === "Channel" ? pick(channels) : `auto/${pick(await activeShards())}`;
    // The order waits until the object has nothing to do; a busy object may never come to that.
    const late = sleep(EVICT_MS).then(() => Promise.reject(new Error("the object was busy")));
    await Promise.race([server.evict({ className, name, webSockets }), late]);
  };
  const faults: Record<string, () => Promise<unknown>> = {
    "client's socket cut": async () => pick(listeners.all).sockets[0]?.terminate(),
    "Socket.IO client cut off": async () =>
      returning.cutOff(returning.all.length === 0 ? [] : [pick(returning.all)]),
    "Socket.IO clients cut off": async () => {
      returning.cutOff(returning.all);
    },
    "Socket.IO shard put to sleep": () => evict("SocketIoShard", "hibernate"),
    "Socket.IO shard evicted with its sockets": () => evict("SocketIoShard", "close"),
    "room crashed": () => admin("POST", `/channels/${encodeURIComponent("ringcast:io:/,red")}/crash`),
    "shard put to sleep": () => evict("Shard", "hibernate"),
    "shard evicted with its sockets": () => evict("Shard", "close"),
    "shard crashed": async () => admin("POST", `/shards/${pick(await activeShards())}/crash`),
    "channel put to sleep": () => evict("Channel", "hibernate"),
    "channel crashed": () => admin("POST", `/channels/${encodeURIComponent(pick(channels))}/crash`),
    "clients' connections reset": () => strangers.come("reset", 50),
    "stranger floods": () => strangers.come("flood", 3),
    "strangers read nothing": () => strangers.come("stall", 10),
    "strangers answer no close": () => strangers.come("neverAnswer", 10),
    "strangers vanish": async () => strangers.leave(),
    "coordinator crashed": () => admin("POST", "/coordinator/crash"),
    "shard added": async () =>
      (await activeShards()).length < 6 ? admin("POST", "/shards", { count: 1 }) : undefined,
    "shard drained": async () => {
      const active = await activeShards();
      if (active.length > 3) await admin("POST", `/shards/${pick(active)}/drain`, {});
    },
  };
  const names = Object.keys(faults);
  const started = Date.now();
  const killsAt = new Set(
    Array.from({ length: kills }, (_, n) => Math.floor(((n + 1) * faultCount) / (kills + 1))),
  );
  for (let n = 0; n < faultCount; n++) {
    await sleep(Math.max(0, started + (n * seconds * 1_000) / faultCount - Date.now()));
    const name = killsAt.has(n) ? "server killed and started again" : (names[n % names.length] ?? "");
    try {
      await (killsAt.has(n) ? server.killAndRestart() : faults[name]?.());
      count(`fault: ${name}`);
    } catch (error) {
      // For example, an object that is not running cannot be evicted.
      count(`fault without effect: ${name} (${String(error).slice(0, 60)})`);
    }
  }
  await sleep(Math.max(0, started + seconds * 1_000 - Date.now()));
}
