import type { Ring } from "../../ring/ring.ts";
import { SLOT_COUNT } from "../../ring/table.ts";

/** Parts of the circle that are drawn: a quarter of a degree each, about as fine as a screen shows. */
export const BINS = 1_440;

const TURN = Math.PI * 2;

/** Slot 0 is at the top, and slots run clockwise. Radians, as canvas and SVG count them. */
export const angleOfSlot = (slot: number): number => (slot / SLOT_COUNT) * TURN - Math.PI / 2;

/**
 * The owner of each bin, by id: who owns the slot in its middle. One slot and not a majority, so that a bin changes
 * hands only where a slot does.
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

/** A run of bins of one owner: `from` (included) and `to` (excluded) in radians. */
export type Arc = { readonly shard: string; readonly from: number; readonly to: number };

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

/** The bins that have another owner after a change. */
export function movedBins(before: readonly string[], after: readonly string[]): ReadonlySet<number> {
  const moved = new Set<number>();
  if (before.length !== after.length) return moved;
  for (let bin = 0; bin < after.length; bin++) if (before[bin] !== after[bin]) moved.add(bin);
  return moved;
}

/** One shard's part of a circle of parts, in the order given. `middle` is where its label goes. */
export type Wedge = {
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly middle: number;
};

/** Parts of a whole as wedges; who has nothing has none. `gap` (radians) is left between two. */
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

/** The path of a ring's sector, for SVG, around 0,0. */
export function sectorPath(
  sector: { readonly from: number; readonly to: number },
  inner: number,
  outer: number,
): string {
  // A full circle has no direction: it stops short by nothing that shows.
  const to = Math.min(sector.to, sector.from + TURN - 1e-4);
  const large = to - sector.from > Math.PI ? 1 : 0;
  return [
    `M${at(outer, sector.from)}`,
    `A${outer} ${outer} 0 ${large} 1 ${at(outer, to)}`,
    `L${at(inner, to)}`,
    `A${inner} ${inner} 0 ${large} 0 ${at(inner, sector.from)}Z`,
  ].join("");
}

const at = (radius: number, angle: number): string =>
  `${(radius * Math.cos(angle)).toFixed(2)} ${(radius * Math.sin(angle)).toFixed(2)}`;
