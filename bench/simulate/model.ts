import { bill, FRAMES_OF_A_REQUEST, GB_OF_AN_OBJECT, PRICES } from "../../src/elastic/prices.ts";
import { planTree } from "../../src/fanout/tree.ts";
import { buildRing } from "../../src/ring/build.ts";
import type { Descriptor, ShardSpec } from "../../src/ring/descriptor.ts";
import { diff } from "../../src/ring/diff.ts";

/** The costs that the benchmark has measured (costs.ts). Times are ms. */
export type Costs = {
  readonly date: string;
  readonly machine: string;
  /** From a client's frame to the first listener, through shard, channel and shard. */
  readonly publishMs: number;
  /** In addition for each listener of a shard, until the last delivery. */
  readonly deliverMs: number;
  /** The time of the one thread of an object for each listener. */
  readonly sendMs: number;
  /** The cost of one call to another object, without the time on the network. */
  readonly callMs: number;
  /** The CPU time of the router for each connect. */
  readonly routerCpuMs: number;
  /** The highest rate that one shard has taken. */
  readonly connectsPerSecond: number;
};

export type Load = {
  readonly shards: number;
  readonly clients: number;
  readonly regions: number;
  /** Each goes to every client. */
  readonly publicationsPerSecond: number;
  readonly connectsADay: number;
  /** Frames of each client. */
  readonly framesAnHour: number;
  /** Assumed: the time to another object and back. */
  readonly roundTripMs: number;
  /** Configured: the limit of a shard. */
  readonly upgradesPerSecond: number;
};

const MONTH_SECONDS = 30 * 86_400;
/** A publication writes its row, and the removal of one; at this load all else is little (docs/operate/cost.md). */
const ROWS_OF_A_PUBLICATION = 2;
/** The default of `times.pingIntervalMs`. */
const PING_SECONDS = 25;
/** A stock client waits at most so long before its first attempt to reconnect. */
const FIRST_DELAY_MS = 1_000;

function describe(load: Load, states: readonly ShardSpec["state"][]): Descriptor {
  const regions = Array.from({ length: load.regions }, (_, n) => `region-${n}`);
  return {
    epoch: 1,
    seed: 0,
    defaultRegion: "region-0",
    shards: states.map((state, n) => {
      const region = regions[n % regions.length] ?? "region-0";
      return { id: `${region}-${n + 1}`, region, weight: 16, state };
    }),
  };
}

/** The clients with another owner after a change. The clients of a region are spread evenly over its slots. */
function moved(load: Load, before: Descriptor, after: Descriptor): number {
  const { regions } = diff(buildRing(before), buildRing(after));
  const share = regions.filter(({ region }) => region !== "other").reduce((sum, one) => sum + one.share, 0);
  return (share / load.regions) * load.clients;
}

/** Estimates the times and the costs of a cluster with the real ring and planner. Pure. */
export function simulate(load: Load, costs: Costs) {
  const active = Array.from({ length: load.shards }, () => "active" as const);
  const now = describe(load, active);
  const shares = [...buildRing(now).share().values()];
  const busiest = (Math.max(...shares) * load.clients) / load.regions;
  const branches = planTree(now.shards);
  const widest = Math.max(...branches.map(({ others }) => others.length));
  const depth = widest > 0 ? 2 : 1;

  const callsMs = (branches.length + widest) * costs.callMs + depth * load.roundTripMs;
  const broadcastMs = costs.publishMs + callsMs + busiest * costs.deliverMs;
  const perConnectSecond = Math.min(costs.connectsPerSecond, load.upgradesPerSecond);

  const publications = load.publicationsPerSecond * MONTH_SECONDS;
  const connects = load.clients * load.connectsADay * 30;
  const frames = load.clients * load.framesAnHour * 24 * 30;
  // An object costs money while it works or waits for an answer, and at most for the whole month.
  const atMost = (seconds: number) => Math.min(MONTH_SECONDS, seconds);
  const shardMs = (load.clients / load.shards) * costs.sendMs + load.roundTripMs * (depth - 1);
  const shardSeconds = load.shards * atMost((publications * shardMs) / 1_000);
  const homeSeconds = atMost((publications * callsMs) / 1_000);
  const costsOfMonth = bill({
    workerRequests: connects + publications,
    workerCpuMs: connects * costs.routerCpuMs + publications,
    objectRequests: publications * (1 + load.shards) + connects + frames / FRAMES_OF_A_REQUEST,
    objectGbSeconds: (shardSeconds + homeSeconds) * GB_OF_AN_OBJECT,
    rowsRead: publications * ROWS_OF_A_PUBLICATION,
    rowsWritten: publications * ROWS_OF_A_PUBLICATION,
  });
  return {
    broadcastMs,
    calls: load.shards,
    depth,
    busiestShard: { clients: busiest, beside: Math.max(...shares) * (load.shards / load.regions) },
    /** The load of the busiest shard's one thread, 0 to 1. Above 1 publications would queue, and be sent together. */
    busiestThread: (load.publicationsPerSecond * busiest * costs.sendMs) / 1_000,
    movesOnAdd: moved(load, now, describe(load, [...active, "active"])),
    movesOnDrain: moved(load, now, describe(load, ["draining", ...active.slice(1)])),
    backAfterLossMs: FIRST_DELAY_MS + (busiest / perConnectSecond) * 1_000,
    dollarsAMonth: costsOfMonth,
    /**
     * What the clients' answers to pings would cost in addition if the platform counted them as frames. It answers
     * them itself, and its list says that such messages are not charged (docs/platform.md P42).
     */
    dollarsOfPongs:
      ((load.clients * MONTH_SECONDS) / PING_SECONDS / FRAMES_OF_A_REQUEST) * PRICES.objectRequests.each,
  };
}
