import { computed } from "@preact/signals";
import { STALE_MS, type ReceivedPulse } from "../model/series.ts";
import type { ShardRow } from "./api.ts";
import { lastPulse, tick } from "./pulses.ts";
import { cluster, ring } from "./store.ts";

/** A shard's row of the operator's API, with the newer values of its last pulse. */
export type ShardView = ShardRow & {
  /** The last pulse; undefined before the first. */
  readonly pulse: ReceivedPulse["pulse"] | undefined;
  /** The age of the values, ms; null where the shard has never reported any. */
  readonly ageMs: number | null;
  readonly stale: boolean;
};

/** Sorts `auto-9` before `auto-10`. */
const byName = new Intl.Collator("en", { numeric: true });

/** The shards of the newest ring, and the shards that are still leaving, sorted by name. */
export const shards = computed<readonly ShardView[]>(() => {
  void tick.value;
  const rows = [...memberRows(), ...leavingRows()];
  return rows.toSorted((a, b) => byName.compare(a.id, b.id)).map(withLastPulse);
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

function withLastPulse(row: ShardRow): ShardView {
  const now = performance.now();
  const last = lastPulse(row.id);
  return {
    ...row,
    sessions: last?.pulse.sessions ?? row.sessions,
    channels: last?.pulse.channels ?? row.channels,
    ringEpochSeen: last?.pulse.ringEpoch ?? row.ringEpochSeen,
    pulse: last?.pulse,
    ageMs: last === undefined ? row.seenAgeMs : now - last.receivedAt,
    stale: last === undefined || now - last.receivedAt > STALE_MS,
  };
}
