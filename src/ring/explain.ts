import type { Descriptor, ShardSpec } from "./descriptor.ts";
import type { Placement } from "./placement.ts";
import { slotOf, slotStart } from "./table.ts";

/** A point on the circle: point `index` of `shard`, at `position` (32 bits). */
export type Point = { readonly position: number; readonly shard: string; readonly index: number };

/**
 * The reasons for a key's place, as JSON (RG7). Shards are named by id; `nextOwners` leaves out the owner.
 *
 * `region`, `owner` and `point` are null when no shard is active.
 */
export type Explanation = {
  readonly key: string;
  readonly hash: number;
  readonly slot: number;
  readonly ringEpoch: number;
  readonly clientRegion: string;
  readonly region: string | null;
  readonly owner: string | null;
  readonly nextOwners: readonly string[];
  /** The point that decided: the first at or after the start of the slot. */
  readonly point: Point | null;
};

/** The part of a ring that an explanation needs. */
type Explained = {
  readonly descriptor: Descriptor;
  readonly placement: Placement;
  owners(key: string, clientRegion: string): readonly ShardSpec[];
  regionOf(clientRegion: string): string | undefined;
};

export function explain(ring: Explained, key: string, clientRegion: string): Explanation {
  const hash = ring.placement.hash(key);
  const slot = slotOf(hash);
  const [owner, ...next] = ring.owners(key, clientRegion);
  return {
    key,
    hash,
    slot,
    ringEpoch: ring.descriptor.epoch,
    clientRegion,
    region: ring.regionOf(clientRegion) ?? null,
    owner: owner?.id ?? null,
    nextOwners: next.map((shard) => shard.id),
    point: owner === undefined ? null : firstPoint(owner, slot, ring.placement.points),
  };
}

// Only the owner's points are looked at: the table says that no other shard has one before it.
function firstPoint(owner: ShardSpec, slot: number, points: Placement["points"]): Point | null {
  const start = slotStart(slot);
  let nearest: Point | null = null;
  let least = Infinity;
  let index = 0;
  for (const position of points(owner)) {
    const distance = (position - start) >>> 0;
    if (distance < least) {
      least = distance;
      nearest = { position, shard: owner.id, index };
    }
    index++;
  }
  return nearest;
}
