import { computed } from "@preact/signals";
import { isBehind } from "../model/behind.ts";
import { loadRows, type LoadRow } from "../model/scale-view.ts";
import { perSecond, STALE_MS } from "../model/series.ts";
import type { ShardRow } from "./api.ts";
import { lastPulse, tick } from "./pulses.ts";
import { scale } from "./scale.ts";
import { cluster, feed, ring } from "./store.ts";

/** A shard's row of the operator's API, with the newer values of its last pulse. */
export type ShardView = ShardRow & {
  /** The age of the values, ms; null where the shard has never reported any. */
  readonly ageMs: number | null;
  readonly stale: boolean;
  /** The ring has a newer epoch than the shard. */
  readonly behind: boolean;
  /** The largest part of its limits that is in use, 0 to 1, and which; null where the policy knows none. */
  readonly load: number | null;
  readonly loadPart: string | null;
  readonly framesPerSecond: number | null;
  readonly deliveriesPerSecond: number | null;
};

/** Sorts `auto-9` before `auto-10`. */
const byName = new Intl.Collator("en", { numeric: true });

/** The shards of the newest ring, and the shards that are still leaving, sorted by name. */
export const shards = computed<readonly ShardView[]>(() => {
  void tick.value;
  const rows = [...memberRows(), ...leavingRows()];
  const loads = new Map(loadRows(scale.value?.shards ?? []).map((load) => [load.id, load]));
  return rows.toSorted((a, b) => byName.compare(a.id, b.id)).map((row) => view(row, loads.get(row.id)));
});

function memberRows(): ShardRow[] {
  if (ring.value === undefined || cluster.value === undefined) return [];
  const shares = ring.value.share();
  const reported = new Map(cluster.value.shards.map((row) => [row.id, row]));
  return ring.value.descriptor.shards.map((shard) => {
    const unknown = {
      sessions: null,
      guests: null,
      channels: null,
      ringEpochSeen: null,
      seenAgeMs: null,
      reachable: true,
    };
    return { ...unknown, ...reported.get(shard.id), ...shard, share: shares.get(shard.id) ?? 0 };
  });
}

function leavingRows(): ShardRow[] {
  if (ring.value === undefined || cluster.value === undefined) return [];
  const members = new Set(ring.value.descriptor.shards.map(({ id }) => id));
  return cluster.value.shards.filter(({ id, state }) => state === "leaving" && !members.has(id));
}

function view(row: ShardRow, load: LoadRow | undefined): ShardView {
  const now = performance.now();
  const last = lastPulse(row.id);
  const pulse = last?.pulse;
  const stale = last === undefined || now - last.receivedAt > STALE_MS;
  const ringEpochSeen = pulse?.ringEpoch ?? row.ringEpochSeen;
  const ringEpoch = feed.value.descriptor?.epoch ?? 0;
  const rate = (name: "frames" | "deliveries"): number | null =>
    pulse === undefined || stale ? null : perSecond(pulse, pulse.counts[name]);
  return {
    ...row,
    sessions: pulse?.sessions ?? row.sessions,
    channels: pulse?.channels ?? row.channels,
    ringEpochSeen,
    ageMs: last === undefined ? row.seenAgeMs : now - last.receivedAt,
    stale,
    behind: isBehind({ id: row.id, ringEpochSeen }, { ringEpoch, untold: cluster.value?.untold ?? [] }),
    load: load?.value ?? null,
    loadPart: load?.part ?? null,
    framesPerSecond: rate("frames"),
    deliveriesPerSecond: rate("deliveries"),
  };
}
