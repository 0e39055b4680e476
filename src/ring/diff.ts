import type { ShardSpec } from "./descriptor.ts";
import type { Ring } from "./ring.ts";
import { SLOT_COUNT } from "./table.ts";

/** The clients whose own region has no active shard in either ring. No location hint has this name. */
export const OTHER_REGIONS = "other";

/** First and last slot, both included. */
export type SlotRange = readonly [first: number, last: number];

/**
 * The slots that clients of `region` see go from one shard to another, by id; null where no shard has them.
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

/** Rings never change, so of two rings that are shared (`buildRing`) the difference is computed once. */
const known = new WeakMap<Ring, WeakMap<Ring, RingDiff>>();

/** Both rings MUST have the same seed and placement, else a slot does not hold the same keys in both. */
export function diff(before: Ring, after: Ring): RingDiff {
  const ofBefore = known.get(before) ?? new WeakMap<Ring, RingDiff>();
  known.set(before, ofBefore);
  const found = ofBefore.get(after) ?? compare(before, after);
  ofBefore.set(after, found);
  return found;
}

function compare(before: Ring, after: Ring): RingDiff {
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
  const ownersBefore = ownersFor(before, region);
  const ownersAfter = ownersFor(after, region);
  const same = sameShards(before.descriptor.shards, after.descriptor.shards);
  const moves = new Map<number, OpenMove>();
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const from = ownersBefore[slot] ?? NOBODY;
    const to = ownersAfter[slot] ?? NOBODY;
    // Nearly all of them: two loads and a comparison for each of 65,536 slots.
    if (same[from] === to) continue;
    const pair = from * PAIR_BASE + to;
    let move = moves.get(pair);
    if (move === undefined) {
      const [source, target] = [before.descriptor.shards[from], after.descriptor.shards[to]];
      move = { region, from: source?.id ?? null, to: target?.id ?? null, slots: 0, ranges: [] };
      moves.set(pair, move);
    }
    extend(move, slot);
  }
  return [...moves.values()];
}

// Above any index of a shard, and above NOBODY.
const PAIR_BASE = 0x1_0000;
const NOBODY = 0xffff;
/** The index of no shard: neither of the other ring's nor of no owner. */
const GONE = 0x1_0000;
const UNOWNED = new Uint16Array(SLOT_COUNT).fill(NOBODY);

function ownersFor(ring: Ring, clientRegion: string): Uint16Array {
  const region = ring.regionOf(clientRegion);
  return (region === undefined ? undefined : ring.table(region)) ?? UNOWNED;
}

const nameOf = ({ region, id }: ShardSpec): string => `${region}/${id}`;

/** For each index of `before`, where the same object is in `after`: the same id in the same region. */
function sameShards(before: readonly ShardSpec[], after: readonly ShardSpec[]): Uint32Array {
  const indexes = new Map(after.map((shard, index) => [nameOf(shard), index]));
  const same = new Uint32Array(NOBODY + 1).fill(GONE);
  for (const [index, shard] of before.entries()) same[index] = indexes.get(nameOf(shard)) ?? GONE;
  same[NOBODY] = NOBODY;
  return same;
}

function extend(move: OpenMove, slot: number): void {
  move.slots++;
  const last = move.ranges.at(-1);
  if (last !== undefined && last[1] === slot - 1) last[1] = slot;
  else move.ranges.push([slot, slot]);
}
