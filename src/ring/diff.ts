import type { ShardSpec } from "./descriptor.ts";
import type { Ring } from "./ring.ts";
import { SLOT_COUNT } from "./table.ts";

/** The clients whose own region has no active shard in either ring. No location hint has this name. */
export const OTHER_REGIONS = "other";

/** First and last slot, both included. */
export type SlotRange = readonly [first: number, last: number];

/**
 * The slots that clients of `region` see go from one shard to another, by id; null is nobody at all.
 *
 * `from` equals `to` only where a shard has changed its region, which makes it another object.
 */
export type Move = {
  readonly region: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly slots: number;
  readonly ranges: readonly SlotRange[];
};

/** How much of one client region moves; `share` is `slots` as a part of all slots, 0 to 1. */
export type RegionMoves = { readonly region: string; readonly slots: number; readonly share: number };

/**
 * Exactly which slots change their owner between two rings, as JSON.
 *
 * `region` is the *client's*: each region that has active shards in either ring, ascending, then
 * {@link OTHER_REGIONS}. So a region that gets its first shard shows what it takes over from the default region.
 * `regions` holds every one of them, also those where nothing moves; `moves` only what moves.
 */
export type RingDiff = {
  readonly fromEpoch: number;
  readonly toEpoch: number;
  readonly regions: readonly RegionMoves[];
  readonly moves: readonly Move[];
};

/** Both rings MUST have the same seed and placement, else a slot does not hold the same keys in both. */
export function diff(before: Ring, after: Ring): RingDiff {
  if (before.descriptor.seed !== after.descriptor.seed)
    throw new RangeError("rings of two seeds cannot be compared");
  const regions: RegionMoves[] = [];
  const moves: Move[] = [];
  for (const region of clientRegions(before, after)) {
    const moved = diffRegion(before, after, region);
    const slots = moved.reduce((sum, move) => sum + move.slots, 0);
    regions.push({ region, slots, share: slots / SLOT_COUNT });
    moves.push(...moved);
  }
  return { fromEpoch: before.descriptor.epoch, toEpoch: after.descriptor.epoch, regions, moves };
}

function clientRegions(before: Ring, after: Ring): string[] {
  const served = new Set([...before.regions(), ...after.regions()]);
  return [...[...served].toSorted(), OTHER_REGIONS];
}

type OpenMove = {
  readonly region: string;
  readonly from: string | null;
  readonly to: string | null;
  slots: number;
  ranges: [number, number][];
};

/** The moves of one client region, in the order of their first slots. */
function diffRegion(before: Ring, after: Ring, region: string): Move[] {
  const ownerBefore = ownersFor(before, region);
  const ownerAfter = ownersFor(after, region);
  const moves = new Map<number, OpenMove | "stays">();
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const from = ownerBefore.index(slot);
    const to = ownerAfter.index(slot);
    // A pair of shards is judged once, not once for each slot: a table has 65,536 slots and few pairs.
    const pair = from * PAIR_BASE + to;
    let move = moves.get(pair);
    if (move === undefined) {
      move = openMove(region, ownerBefore.shards[from], ownerAfter.shards[to]);
      moves.set(pair, move);
    }
    if (move !== "stays") extend(move, slot);
  }
  return [...moves.values()].filter((move) => move !== "stays");
}

// Above any index of a shard, and above NOBODY.
const PAIR_BASE = 0x1_0000;
const NOBODY = 0xffff;

function ownersFor(ring: Ring, clientRegion: string) {
  const region = ring.regionOf(clientRegion);
  const table = region === undefined ? undefined : ring.table(region);
  return { shards: ring.descriptor.shards, index: (slot: number): number => table?.[slot] ?? NOBODY };
}

function openMove(
  region: string,
  from: ShardSpec | undefined,
  to: ShardSpec | undefined,
): OpenMove | "stays" {
  if (from?.id === to?.id && from?.region === to?.region) return "stays";
  return { region, from: from?.id ?? null, to: to?.id ?? null, slots: 0, ranges: [] };
}

function extend(move: OpenMove, slot: number): void {
  move.slots++;
  const last = move.ranges.at(-1);
  if (last !== undefined && last[1] === slot - 1) last[1] = slot;
  else move.ranges.push([slot, slot]);
}
