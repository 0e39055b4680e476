import type { ClusterConfig } from "../../config/cluster.ts";
import type { LoadStatus } from "../../contracts/scale.ts";
import { largestPart } from "../../elastic/load.ts";
import { Meter } from "../../elastic/meter.ts";
import type { Connections } from "../connections/connections.ts";
import type { Counters } from "./counters.ts";

/** The load of a shard: what it counts, and what its connections are (SPEC EL8). */
export class ShardLoad {
  readonly #meter: Meter;
  readonly #cluster: ClusterConfig;
  readonly #connections: Connections;
  readonly #counters: Counters;

  constructor(parts: {
    readonly cluster: ClusterConfig;
    readonly connections: Connections;
    readonly counters: Counters;
  }) {
    const { cluster, connections, counters } = parts;
    const { sessionsPerShard: sockets, upgradesPerSecond, queuedBytesPerShard: queuedBytes } = cluster.limits;
    this.#meter = new Meter({ sockets, upgradesPerSecond, queuedBytes }, Date.now());
    this.#cluster = cluster;
    this.#connections = connections;
    this.#counters = counters;
  }

  status(): LoadStatus {
    const clients: Record<string, number> = {};
    let queuedBytes = 0;
    for (const { attachment, unprovenBytes } of this.#connections.sessions) {
      clients[attachment.clientRegion] = (clients[attachment.clientRegion] ?? 0) + 1;
      queuedBytes += unprovenBytes;
    }
    const { work, refused } = this.#counters;
    const sockets = this.#connections.sessions.size;
    return { parts: this.#meter.read(Date.now(), { work, sockets, queuedBytes }), refused, clients };
  }

  /** A report with this load has arrived. */
  told({ refused }: LoadStatus): void {
    this.#counters.refused -= refused;
  }

  /** Whether a report with this load should go out before its time. */
  isHigh({ parts, refused }: LoadStatus): boolean {
    return refused > 0 || largestPart(parts).value >= this.#cluster.scale.mark;
  }
}
