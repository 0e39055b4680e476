import type { Counts, NamespaceCount, Pulse } from "../../contracts/live.ts";
import { perSecond, STALE_MS, type ReceivedPulse } from "./series.ts";

/** Pulses come from each front of a shard: the objects of Centrifuge clients and those of Socket.IO clients. */

/** The front of Socket.IO in pulses. */
const SOCKETIO = "socketio";

/** One pulse for a shard: the sums over its fronts, by the second, and as old as the oldest. */
export function mergeFronts(pulses: readonly ReceivedPulse[]): ReceivedPulse | undefined {
  const [first, ...others] = pulses;
  if (first === undefined || others.length === 0) return first;
  const all = pulses.map(({ pulse }) => pulse);
  const sum = (count: (pulse: Pulse) => number): number => all.reduce((total, one) => total + count(one), 0);
  const rate = (name: keyof Counts): number => sum((one) => perSecond(one, one.counts[name]));
  const worst = all.flatMap(({ latency }) => latency ?? []);
  return {
    receivedAt: Math.min(...pulses.map(({ receivedAt }) => receivedAt)),
    pulse: {
      kind: "pulse",
      at: Math.min(...all.map(({ at }) => at)),
      shard: first.pulse.shard,
      ringEpoch: Math.min(...all.map(({ ringEpoch }) => ringEpoch)),
      sessions: sum(({ sessions }) => sessions),
      subscriptions: sum(({ subscriptions }) => subscriptions),
      channels: sum(({ channels }) => channels),
      intervalMs: 1_000,
      counts: {
        frames: rate("frames"),
        connects: rate("connects"),
        disconnects: rate("disconnects"),
        moved: rate("moved"),
        deliveries: rate("deliveries"),
        resumed: rate("resumed"),
        notResumed: rate("notResumed"),
      },
      latency:
        worst.length === 0
          ? null
          : {
              p50Ms: Math.max(...worst.map(({ p50Ms }) => p50Ms)),
              p99Ms: Math.max(...worst.map(({ p99Ms }) => p99Ms)),
            },
    },
  };
}

/** Socket.IO on one shard; rates are per second. Stale numbers are those of a shard that is silent. */
export type SocketIoShard = {
  readonly shard: string;
  readonly connections: number;
  readonly sockets: number;
  /** Rooms with a member on this shard. */
  readonly rooms: number;
  readonly framesPerSecond: number;
  readonly deliveriesPerSecond: number;
  readonly stale: boolean;
};

export type SocketIoView = {
  readonly shards: readonly SocketIoShard[];
  readonly connections: number;
  readonly sockets: number;
  /** By name. */
  readonly namespaces: readonly {
    readonly name: string;
    readonly sockets: number;
    readonly shards: number;
  }[];
};

/** Sorts `auto-9` before `auto-10`. */
const byName = new Intl.Collator("en", { numeric: true });

/** Socket.IO over all shards; undefined where no shard speaks of it. `now` is ms of `performance.now()`. */
export function viewSocketIo(pulses: Iterable<ReceivedPulse>, now: number): SocketIoView | undefined {
  const own = [...pulses].filter(({ pulse }) => pulse.front === SOCKETIO);
  if (own.length === 0) return undefined;
  const namespaces = new Map<string, { sockets: number; shards: number }>();
  const shards = own.map(({ pulse, receivedAt }) => {
    const here: readonly NamespaceCount[] = pulse.namespaces ?? [];
    for (const { name, sockets } of here) {
      const known = namespaces.get(name) ?? { sockets: 0, shards: 0 };
      namespaces.set(name, { sockets: known.sockets + sockets, shards: known.shards + 1 });
    }
    return {
      shard: pulse.shard,
      connections: pulse.sessions,
      sockets: here.reduce((sum, { sockets }) => sum + sockets, 0),
      rooms: here.reduce((sum, { rooms }) => sum + rooms, 0),
      framesPerSecond: perSecond(pulse, pulse.counts.frames),
      deliveriesPerSecond: perSecond(pulse, pulse.counts.deliveries),
      stale: now - receivedAt > STALE_MS,
    };
  });
  return {
    shards: shards.toSorted((a, b) => byName.compare(a.shard, b.shard)),
    connections: shards.reduce((sum, { connections }) => sum + connections, 0),
    sockets: shards.reduce((sum, { sockets }) => sum + sockets, 0),
    namespaces: [...namespaces]
      .map(([name, counts]) => ({ name, ...counts }))
      .toSorted((a, b) => byName.compare(a.name, b.name)),
  };
}
