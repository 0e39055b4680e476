/**
 * Measures how even the ring is, and how little an added shard moves: `npm run bench -- --case ring-balance`.
 *
 * Shares are shares of slots, of equal shards with the default weight, over many sets of made-up names that are the
 * same in every run. "peak" is the busiest shard's slots / the mean; "moved" counts the slots that move when a
 * shard joins N others, as a part of the ideal 1 / (N + 1); "strayed" counts slots that moved between two other shards.
 */
import { buildRing } from "../../src/ring/build.ts";
import type { ShardSpec } from "../../src/ring/descriptor.ts";
import { mix32 } from "../../src/ring/hash.ts";
import type { Ring } from "../../src/ring/ring.ts";
import { SLOT_COUNT } from "../../src/ring/table.ts";
import { mean, quantile } from "../lib/stats.ts";

const SHARD_COUNTS = [2, 4, 8, 16, 64, 256, 1000];
const NAME_SETS = 200;
const REGION = "auto";
const DEFAULT_WEIGHT = 16;

function ringOf(nameSet: number, shards: number): Ring {
  const named = Array.from({ length: shards }, (_, index): ShardSpec => {
    const id = `${mix32(nameSet + 1).toString(36)}-${index}`;
    return { id, region: REGION, weight: DEFAULT_WEIGHT, state: "active" };
  });
  return buildRing({ epoch: 1, seed: 0, shards: named, defaultRegion: REGION });
}

function ownersOfSlots(ring: Ring): string[] {
  const table = ring.table(REGION) ?? [];
  return Array.from(table, (index) => ring.descriptor.shards[index]?.id ?? "");
}

function compare(before: Ring, after: Ring): { moved: number; strayed: number } {
  const known = new Set(before.descriptor.shards.map((shard) => shard.id));
  const from = ownersOfSlots(before);
  const to = ownersOfSlots(after);
  let moved = 0;
  let strayed = 0;
  for (const [slot, owner] of to.entries()) {
    if (owner === from[slot]) continue;
    moved++;
    if (known.has(owner)) strayed++;
  }
  return { moved, strayed };
}

const rounded = (value: number): string => value.toFixed(3);

function measure(shards: number): Record<string, number | string> {
  const peaks: number[] = [];
  const moves: number[] = [];
  const buildsMs: number[] = [];
  let strayed = 0;
  for (let nameSet = 0; nameSet < NAME_SETS; nameSet++) {
    const before = ringOf(nameSet, shards);
    const startedAt = performance.now();
    before.table(REGION);
    buildsMs.push(performance.now() - startedAt);
    peaks.push(Math.max(...before.share().values()) * shards);
    const change = compare(before, ringOf(nameSet, shards + 1));
    moves.push((change.moved / SLOT_COUNT) * (shards + 1));
    strayed += change.strayed;
  }
  return {
    shards,
    "peak mean": rounded(mean(peaks)),
    "peak p99": rounded(quantile(peaks, 0.99)),
    "moved p1": rounded(quantile(moves, 0.01)),
    "moved mean": rounded(mean(moves)),
    "moved p99": rounded(quantile(moves, 0.99)),
    strayed,
    "build ms (median)": rounded(quantile(buildsMs, 0.5)),
  };
}

export function balance(): void {
  console.log(`${NAME_SETS} sets of names, ${SLOT_COUNT} slots, weight ${DEFAULT_WEIGHT}`);
  console.table(SHARD_COUNTS.map(measure));
}
