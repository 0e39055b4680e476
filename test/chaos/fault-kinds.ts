import { setTimeout as sleep } from "node:timers/promises";
import { LARGE } from "./channels.ts";
import type { Crowd } from "./crowd.ts";
import type { Listeners } from "./listeners.ts";
import type { Publishers } from "./publishers.ts";
import type { Returning } from "./returning.ts";
import type { Server } from "./server.ts";
import type { Strangers } from "./strangers.ts";

const EVICT_MS = 2_000;
const STOPPED_READING_MS = 6_000;
const FROZEN_MS = 1_500;
const MOST_SHARDS = 6;
/** The policy may take shards of its own as long as two are left. */
const FEWEST_SHARDS = 3;

export type FaultParts = {
  readonly server: Server;
  readonly apiKey: string;
  readonly listeners: Listeners;
  readonly publishers: Publishers;
  readonly returning: Returning;
  readonly strangers: Strangers;
  readonly crowd: Crowd;
  readonly channels: readonly string[];
  readonly random: () => number;
};

export type FaultKinds = Readonly<Record<string, () => unknown>>;

/** Every kind of fault that a run causes while its server lives, each by a sentence that says what happens. */
export function faultKinds(parts: FaultParts): FaultKinds {
  const { server, listeners, publishers, returning, strangers, crowd, channels, random } = parts;
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const admin = async (method: string, path: string, body?: object): Promise<any> => {
    const response = await fetch(`${server.url}/admin/api${path}`, {
      method,
      headers: { "x-api-key": parts.apiKey, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.json();
  };
  const activeShards = async (): Promise<string[]> => {
    const { shards } = await admin("GET", "/epochs?limit=1").then(({ epochs }) => epochs[0]);
    return shards.filter((shard: any) => shard.state === "active").map((shard: any) => shard.id);
  };
  /** False, which is no fault, where the ring has too few shards for one to go. */
  const spareShard = async (): Promise<string | undefined> => {
    const active = await activeShards();
    return active.length > FEWEST_SHARDS ? pick(active) : undefined;
  };
  type Evicted = "Shard" | "SocketIoShard" | "Channel" | "Coordinator";
  const nameOf = async (className: Evicted): Promise<string> => {
    if (className === "Coordinator") return "coordinator";
    return className === "Channel" ? pick(channels) : `auto/${pick(await activeShards())}`;
  };
  const evict = async (className: Evicted, webSockets: "close" | "hibernate") => {
    const name = await nameOf(className);
    // The order waits until the object has nothing to do; a busy object may never come to that.
    const late = sleep(EVICT_MS).then(() => Promise.reject(new Error("the object was busy")));
    await publishers.quietly(() => Promise.race([server.evict({ className, name, webSockets }), late]));
  };
  const crashChannel = (channel: string) => admin("POST", `/channels/${encodeURIComponent(channel)}/crash`);
  return {
    "client's socket cut": () => pick(listeners.all).sockets[0]?.terminate(),
    "all clients' sockets cut at once": () => listeners.cutAll(),
    "client stops reading for six seconds": () =>
      listeners.stopReading(pick(listeners.all), STOPPED_READING_MS),
    "crowd of clients comes and goes": () => crowd.come(),
    "shard put to sleep": () => evict("Shard", "hibernate"),
    "shard evicted with its sockets": () => evict("Shard", "close"),
    "shard crashed": async () => admin("POST", `/shards/${pick(await activeShards())}/crash`),
    "channel put to sleep": () => evict("Channel", "hibernate"),
    "channel crashed": () => crashChannel(pick(channels)),
    "coordinator put to sleep": () => evict("Coordinator", "hibernate"),
    "coordinator crashed": () => admin("POST", "/coordinator/crash"),
    "clients' connections reset": () => strangers.come("reset", 50),
    "stranger floods": () => strangers.come("flood", 3),
    "strangers read nothing": () => strangers.come("stall", 10),
    "strangers answer no close": () => strangers.come("neverAnswer", 10),
    "strangers vanish": () => strangers.leave(),
    "burst of publications to one channel": () =>
      publishers.burst(pick(channels), { count: 200, bytes: 200 }),
    "burst of large publications": () => publishers.burst(LARGE, { count: 5, bytes: 900_000 }),
    "shard added": async () =>
      (await activeShards()).length < MOST_SHARDS && admin("POST", "/shards", { count: 2 }),
    "shard drained": async () => {
      const id = await spareShard();
      return id !== undefined && admin("POST", `/shards/${id}/drain`, {});
    },
    "shard removed at once": async () => {
      const id = await spareShard();
      return id !== undefined && admin("DELETE", `/shards/${id}`);
    },
    "shard given another weight": async () =>
      admin("PATCH", `/shards/${pick(await activeShards())}`, { weight: 1 + Math.floor(random() * 32) }),
    "policy of scaling switched": () => admin("PATCH", "/scale", { mode: random() < 0.3 ? "off" : "on" }),
    "server frozen for a while": () => server.freeze(FROZEN_MS),
    ...(returning.all.length === 0
      ? {}
      : {
          "Socket.IO client cut off": () => returning.cutOff([pick(returning.all)]),
          "Socket.IO clients cut off": () => returning.cutOff(returning.all),
          "Socket.IO shard put to sleep": () => evict("SocketIoShard", "hibernate"),
          "Socket.IO shard evicted with its sockets": () => evict("SocketIoShard", "close"),
          "room crashed": () => crashChannel("ringcast:io:/,red"),
        }),
  };
}
