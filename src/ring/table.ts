import type { ShardSpec } from "./descriptor.ts";
import type { Placement } from "./placement.ts";

// Enough for 256 shards to differ by no more than their points make them differ; a table is then 128 KiB.
export const SLOT_COUNT = 65_536;

// A point keeps the upper 16 bits of its position as its slot and the lower 16 as its place within the slot.
export const SLOT_SHIFT = 16;
const WITHIN_SLOT = 0xffff;
const NO_POINT = 0x1_0000;

/** The slot of a 32-bit hash or position. */
export function slotOf(hash: number): number {
  return hash >>> SLOT_SHIFT;
}

/** The first position of a slot. */
export function slotStart(slot: number): number {
  return (slot << SLOT_SHIFT) >>> 0;
}

/**
 * The owner of each slot, as an index into `shards`: the shard of the first point at or after the slot's start,
 * clockwise and wrapping; of two points in one place, that of the lower shard id (RG1).
 *
 * `members` are the indexes that take part, ascending; `shards` are sorted by id. At least one member MUST have a
 * point. No sorting: only the lowest point of a slot can decide, so one pass keeps those and one sweep fills the rest.
 */
export function buildTable(
  shards: readonly ShardSpec[],
  members: readonly number[],
  points: Placement["points"],
): Uint16Array {
  const table = new Uint16Array(SLOT_COUNT);
  const lowest = new Uint32Array(SLOT_COUNT).fill(NO_POINT);
  for (const index of members) {
    const shard = shards[index];
    if (shard === undefined) throw new RangeError(`no shard has the index ${index}`);
    for (const position of points(shard)) {
      const slot = slotOf(position);
      const within = position & WITHIN_SLOT;
      // Strictly lower: members come by id, so the lower id keeps a tie.
      if (within >= (lowest[slot] ?? NO_POINT)) continue;
      lowest[slot] = within;
      table[slot] = index;
    }
  }
  const first = lowest.findIndex((within) => within !== NO_POINT);
  if (first === -1) throw new RangeError("no shard has a point");
  // Past the last slot comes the first again.
  let owner = table[first] ?? 0;
  for (let slot = SLOT_COUNT - 1; slot >= 0; slot--) {
    if (lowest[slot] === NO_POINT) table[slot] = owner;
    else owner = table[slot] ?? owner;
  }
  return table;
}
