import { computed, signal } from "@preact/signals";
import type { LiveEvent } from "../../contracts/live.ts";
import { buildRing } from "../../ring/build.ts";
import type { Descriptor } from "../../ring/descriptor.ts";
import { applyReport, EMPTY_FEED, stepFeed, withIncident, type Feed, type Incident } from "../model/feed.ts";
import { ApiError, callAdminApi, type ClusterView, type EpochView } from "./api.ts";
import { clearBusy, recordBusy } from "./busiest.ts";
import { clearCost, cost, refreshCost } from "./cost.ts";
import { clearHealth, recordCodes } from "./health.ts";
import { clearWaiting } from "./waiting-events.ts";
import { clearSocketIo } from "./socketio.ts";
import { clearScale, refreshScale, scale } from "./scale.ts";
import { clearPulses, keepPulsesOf, recordEvent, recordPulse } from "./pulses.ts";

/** The state of the cluster, from the operator's API and the live feed. */

export const access = signal<"full" | "read">("read");
export const development = signal(false);
/** The path of Socket.IO clients. */
export const socketioPath = signal("/socket.io/");
export const cluster = signal<ClusterView | undefined>(undefined);
/** The reason why the last refresh failed. */
export const clusterProblem = signal<string | undefined>(undefined);
export const feed = signal<Feed>(EMPTY_FEED);
/** The page's own connection to the cluster. */
export const connection = signal<{
  readonly state: "connecting" | "connected" | "closed";
  readonly shard?: string;
}>({ state: "connecting" });

/** The ring of the newest epoch. */
export const ring = computed(() => {
  const { descriptor } = feed.value;
  return descriptor === undefined ? undefined : buildRing(descriptor);
});

let refreshingForPulse = false;
/** The cluster's clock less that of this machine, ms: by the event that took the shortest time to this page. */
let clockAhead = -Infinity;

/** The time by the cluster's clock, so that what this page has seen stands in its order among the cluster's events. */
export const clusterTime = (): number => Date.now() + (clockAhead === -Infinity ? 0 : clockAhead);

export function receiveLiveEvent(event: LiveEvent): void {
  const now = performance.now();
  recordEvent(now);
  clockAhead = Math.max(clockAhead, event.at - Date.now());
  if (event.kind === "pulse") {
    recordPulse({ pulse: event, receivedAt: now });
    recordBusy(event, now);
    recordCodes(event);
    refreshIfBehind(event.ringEpoch);
    return;
  }
  if (event.kind === "refused") {
    recordCodes(event);
    return;
  }
  if (event.kind === "scale") {
    scale.value = event.report;
    return;
  }
  feed.value = stepFeed(feed.value, event);
  if (event.kind === "epoch" || event.kind === "moved") void refresh();
}

/** The live feed is at most once: a pulse with a newer ring epoch shows that the page has missed the epoch's event. */
function refreshIfBehind(ringEpoch: number): void {
  const known = feed.value.descriptor?.epoch ?? 0;
  if (ringEpoch <= known || refreshingForPulse) return;
  refreshingForPulse = true;
  void refresh().finally(() => (refreshingForPulse = false));
}

/** Adds an incident that the page itself has seen to the timeline. `at`: by {@link clusterTime}; now, if absent. */
export function addIncident(incident: Omit<Incident, "at"> & { readonly at?: number }): void {
  feed.value = withIncident(feed.value, { at: clusterTime(), ...incident });
}

/** Between two looks at the cluster: a change of a large ring is told by each of its shards. */
const LOOK_PAUSE_MS = 1_000;
let looking: Promise<void> | undefined;
let nextLook: Promise<void> | undefined;

/**
 * Reads the whole state from the operator's API: at sign-in, after a reconnect, and after a gap in the live feed. A look
 * is a call to each shard, so one runs at a time, and all who ask for one meanwhile share the next.
 */
export function refresh(): Promise<void> {
  if (looking === undefined) return look();
  nextLook ??= looking.then(() => new Promise((resolve) => setTimeout(resolve, LOOK_PAUSE_MS))).then(look);
  return nextLook;
}

function look(): Promise<void> {
  nextLook = undefined;
  looking = readCluster().finally(() => {
    if (nextLook === undefined) looking = undefined;
  });
  return looking;
}

async function readCluster(): Promise<void> {
  try {
    const [report, { epochs }] = await Promise.all([
      callAdminApi<ClusterView>("GET", "/cluster"),
      callAdminApi<{ epochs: readonly EpochView[] }>("GET", "/epochs?limit=50"),
    ]);
    void refreshScale();
    // A look at the cost is a call to each shard: after the first one the operator asks.
    if (cost.value === undefined) void refreshCost();
    const newest = epochs[0];
    if (newest === undefined) return;
    const descriptor: Descriptor = {
      epoch: newest.ringEpoch,
      seed: report.seed,
      defaultRegion: report.defaultRegion,
      shards: newest.shards,
    };
    cluster.value = report;
    feed.value = applyReport(feed.value, { descriptor, epochs });
    keepPulsesOf(new Set(report.shards.map(({ id }) => id)));
    clusterProblem.value = undefined;
  } catch (error) {
    clusterProblem.value = error instanceof ApiError ? error.message : String(error);
  }
}

/** Removes all state of the cluster from the page, for signing out. */
export function clearCluster(): void {
  cluster.value = undefined;
  clusterProblem.value = undefined;
  feed.value = EMPTY_FEED;
  clockAhead = -Infinity;
  clearPulses();
  clearBusy();
  clearHealth();
  clearScale();
  clearCost();
  clearWaiting();
  clearSocketIo();
}
