import type { Ring } from "../../ring/ring.ts";
import { SLOT_COUNT } from "../../ring/table.ts";

/** The drawn circle has this many bins: a quarter of a degree each, about as fine as a screen shows. */
export const BINS = 1_440;

const TURN = Math.PI * 2;

/** The angle of a slot in radians, as canvas and SVG count them: slot 0 is at the top, and slots run clockwise. */
export const angleOfSlot = (slot: number): number => (slot / SLOT_COUNT) * TURN - Math.PI / 2;

/**
 * The id of each bin's owner, which is the owner of the slot in the middle of the bin. One slot decides, so that a bin
 * changes its owner only where a slot does; a majority of slots could change it between two other shards.
 */
export function binOwners(ring: Ring, region: string, bins: number = BINS): string[] {
  const table = ring.table(region);
  if (table === undefined) return [];
  const { shards } = ring.descriptor;
  return Array.from({ length: bins }, (_, bin) => {
    const middle = Math.floor(((bin + 0.5) * SLOT_COUNT) / bins);
    return shards[table[middle] ?? 0]?.id ?? "";
  });
}

/** A run of bins with one owner: `from` (included) and `to` (excluded) in radians. */
export type Arc = { readonly shard: string; readonly from: number; readonly to: number };

/** The runs of bins with one owner, of the bins that `keep` accepts. */
export function arcsOf(owners: readonly string[], keep: (bin: number) => boolean = () => true): Arc[] {
  const arcs: Arc[] = [];
  const angle = (bin: number): number => (bin / owners.length) * TURN - Math.PI / 2;
  let start = 0;
  while (start < owners.length) {
    if (!keep(start)) {
      start += 1;
      continue;
    }
    let end = start + 1;
    while (end < owners.length && owners[end] === owners[start] && keep(end)) end += 1;
    arcs.push({ shard: owners[start] ?? "", from: angle(start), to: angle(end) });
    start = end;
  }
  return arcs;
}

/** The bins whose owner is another one after a change. Empty where the two lists have different lengths. */
export function movedBins(before: readonly string[], after: readonly string[]): ReadonlySet<number> {
  const moved = new Set<number>();
  if (before.length !== after.length) return moved;
  for (let bin = 0; bin < after.length; bin++) if (before[bin] !== after[bin]) moved.add(bin);
  return moved;
}

/** One shard's part of a circle, in radians. `middle` is the angle of its label. */
export type Wedge = {
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly middle: number;
};

/** Wedges for the parts of a whole, in the order given; a part of 0 has no wedge. `gap` is between two, in radians. */
export function wedges(parts: readonly { readonly id: string; readonly part: number }[], gap = 0): Wedge[] {
  const shown = parts.filter(({ part }) => part > 0);
  const whole = shown.reduce((sum, { part }) => sum + part, 0);
  const between = shown.length > 1 ? gap : 0;
  let at = -Math.PI / 2;
  return shown.map(({ id, part }) => {
    const size = (part / whole) * TURN;
    const wedge = { id, from: at + between / 2, to: at + size - between / 2, middle: at + size / 2 };
    at += size;
    return wedge;
  });
}

/** The SVG path of a ring's sector around 0,0. */
export function sectorPath(
  sector: { readonly from: number; readonly to: number },
  inner: number,
  outer: number,
): string {
  // An SVG arc cannot be a full circle. The difference is too small to see.
  const to = Math.min(sector.to, sector.from + TURN - 1e-4);
  const large = to - sector.from > Math.PI ? 1 : 0;
  return [
    `M${point(outer, sector.from)}`,
    `A${outer} ${outer} 0 ${large} 1 ${point(outer, to)}`,
    `L${point(inner, to)}`,
    `A${inner} ${inner} 0 ${large} 0 ${point(inner, sector.from)}Z`,
  ].join("");
}

const point = (radius: number, angle: number): string =>
  `${(radius * Math.cos(angle)).toFixed(2)} ${(radius * Math.sin(angle)).toFixed(2)}`;
