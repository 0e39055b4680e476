import { computed, signal } from "@preact/signals";
import type { LiveEvent } from "../../contracts/live.ts";
import { buildRing } from "../../ring/build.ts";
import type { Descriptor } from "../../ring/descriptor.ts";
import { adoptReport, EMPTY_FEED, stepFeed, withIncident, type Feed, type Incident } from "../model/feed.ts";
import { assignColors, colorAt } from "../model/palette.ts";
import { pushSample, sampleOf, STALE_MS, type Heard, type Sample } from "../model/series.ts";
import { admin, ApiError, type ClusterView, type EpochView, type ShardRow } from "./api.ts";
import { theme } from "./theme.ts";

/** Everything that the views show of the cluster. Signals are written here and nowhere else. */

const CHART_SECONDS = 300;
/** What comes many times a second is shown at this pace. */
const BEAT_MS = 250;
/** After a gap each shard is heard within a second; until then a sum over them would be a part. */
const SETTLE_MS = 1_250;

export const access = signal<"full" | "read">("read");
export const development = signal(false);
export const cluster = signal<ClusterView | undefined>(undefined);
export const clusterProblem = signal<string | undefined>(undefined);
export const feed = signal<Feed>(EMPTY_FEED);
/** Of the page's own connection. */
export const link = signal<{
  readonly state: "connecting" | "connected" | "closed";
  readonly shard?: string;
}>({ state: "connecting" });
/** Grows with each beat: what follows from the clock or from pulses depends on it. */
export const beat = signal(0);
export const samples = signal<readonly Sample[]>([]);
export const hovered = signal<string | undefined>(undefined);
export const region = signal<string>("");
/** The ring of a dry run that is looked at. */
export const preview = signal<Descriptor | undefined>(undefined);

const heard = new Map<string, Heard>();
let lastHeardAt = -Infinity;
let gapEndedAt = -Infinity;
let untried = true;

export const ring = computed(() => {
  const { descriptor } = feed.value;
  return descriptor === undefined ? undefined : buildRing(descriptor);
});

/** The region that is looked at; all of them where the chosen one has no ring any more. */
export const shownRegion = computed(() =>
  ring.value?.regions().includes(region.value) === true ? region.value : "",
);

let colors: ReadonlyMap<string, number> = new Map();
const colorIndexes = computed(() => {
  const ids = feed.value.descriptor?.shards.map(({ id }) => id) ?? [];
  const planned = preview.value?.shards.map(({ id }) => id) ?? [];
  const leaving = cluster.value?.shards.flatMap(({ id, state }) => (state === "leaving" ? [id] : [])) ?? [];
  colors = assignColors(colors, [...ids, ...leaving, ...planned]);
  return colors;
});

export const colorOf = computed(() => {
  const indexes = colorIndexes.value;
  const present = theme.value;
  return (id: string | undefined): string => {
    const index = id === undefined ? undefined : indexes.get(id);
    return index === undefined ? "#8b95a5" : colorAt(index, present);
  };
});

/** `auto-10` comes after `auto-9`. */
const byName = new Intl.Collator("en", { numeric: true });

export type ShardView = ShardRow & {
  /** Of the last pulse; undefined where none has come. */
  readonly pulse: Heard["pulse"] | undefined;
  /** How old what is shown is, ms. */
  readonly ageMs: number | null;
  readonly stale: boolean;
};

/** The shards of the newest ring, with what was last heard of each. */
export const shards = computed<readonly ShardView[]>(() => {
  void beat.value;
  const present = ring.value;
  const report = cluster.value;
  if (present === undefined || report === undefined) return [];
  const now = performance.now();
  const shares = present.share();
  const rows = new Map(report.shards.map((row) => [row.id, row]));
  const members = present.descriptor.shards.map((shard): ShardRow => {
    const unknown = { sessions: null, channels: null, ringEpochSeen: null, seenAgeMs: null, reachable: true };
    return { ...unknown, ...rows.get(shard.id), ...shard, share: shares.get(shard.id) ?? 0 };
  });
  const leaving = report.shards.filter(
    ({ id, state }) => state === "leaving" && !members.some((member) => member.id === id),
  );
  return [...members, ...leaving]
    .toSorted((a, b) => byName.compare(a.id, b.id))
    .map((row) => {
      const last = heard.get(row.id);
      const ageMs = last === undefined ? row.seenAgeMs : now - last.heardAt;
      return {
        ...row,
        sessions: last?.pulse.sessions ?? row.sessions,
        channels: last?.pulse.channels ?? row.channels,
        ringEpochSeen: last?.pulse.ringEpoch ?? row.ringEpochSeen,
        pulse: last?.pulse,
        ageMs,
        stale: last === undefined || now - last.heardAt > STALE_MS,
      };
    });
});

/** How old the newest of the live feed is; undefined before the first. */
export const feedAge = computed(() => {
  void beat.value;
  return lastHeardAt === -Infinity ? undefined : performance.now() - lastHeardAt;
});

export const isStale = computed(() => feedAge.value === undefined || feedAge.value > STALE_MS);

/** What the cluster does in this second. */
export const present = computed(() => {
  void beat.value;
  return sampleOf(heard.values(), performance.now(), Date.now() / 1_000);
});

export function hear(event: LiveEvent): void {
  const now = performance.now();
  if (now - lastHeardAt > STALE_MS) gapEndedAt = now;
  lastHeardAt = now;
  if (event.kind !== "pulse") {
    feed.value = stepFeed(feed.value, event);
    if (event.kind === "epoch" || event.kind === "moved") void refresh();
    return;
  }
  heard.set(event.shard, { pulse: event, heardAt: lastHeardAt });
  // The feed is at most once: an epoch that was announced to nobody is found by who speaks of it.
  const known = feed.value.descriptor?.epoch ?? 0;
  if (event.ringEpoch > known && untried) {
    untried = false;
    void refresh().finally(() => (untried = true));
  }
}

export function note(incident: Omit<Incident, "at">): void {
  feed.value = withIncident(feed.value, { at: Date.now(), ...incident });
}

/** Asks the operator's API for everything: at sign-in, after a reconnect, and where the feed has a gap. */
export async function refresh(): Promise<void> {
  try {
    const [report, { epochs }] = await Promise.all([
      admin<ClusterView>("GET", "/cluster"),
      admin<{ epochs: readonly EpochView[] }>("GET", "/epochs?limit=50"),
    ]);
    const newest = epochs[0];
    if (newest === undefined) return;
    const descriptor: Descriptor = {
      epoch: newest.ringEpoch,
      seed: report.seed,
      defaultRegion: report.defaultRegion,
      shards: newest.shards,
    };
    cluster.value = report;
    feed.value = adoptReport(feed.value, { descriptor, epochs });
    for (const id of heard.keys()) if (!report.shards.some((shard) => shard.id === id)) heard.delete(id);
    clusterProblem.value = undefined;
  } catch (error) {
    clusterProblem.value = error instanceof ApiError ? error.message : String(error);
  }
}

/** Starts the page's clock; answers with what stops it. */
export function startClock(): () => void {
  let second = 0;
  const timer = setInterval(() => {
    beat.value += 1;
    const at = Math.floor(Date.now() / 1_000);
    if (at === second || performance.now() - gapEndedAt < SETTLE_MS) return;
    second = at;
    const sample = sampleOf(heard.values(), performance.now(), at);
    samples.value = pushSample(samples.value, sample, CHART_SECONDS);
  }, BEAT_MS);
  return () => clearInterval(timer);
}

/** For signing out: nothing of the cluster stays in the page. */
export function clear(): void {
  cluster.value = undefined;
  clusterProblem.value = undefined;
  feed.value = EMPTY_FEED;
  samples.value = [];
  heard.clear();
  lastHeardAt = -Infinity;
  gapEndedAt = -Infinity;
}
