import type { Ring } from "../../ring/ring.ts";
import { binOwners, wedges } from "./arcs.ts";

/** Sizes of the ring's drawing: radii around 0,0 in a square whose side is twice `HALF`. */
export const HALF = 210;
export const SLOT_BAND = { inner: 166, outer: 196 } as const;
export const MOVE_MARKS = { inner: 199, outer: 206 } as const;
export const SHARE_BAND = { inner: 121, outer: 148 } as const;
export const SESSION_BAND = { inner: 109, outer: 116 } as const;
export const CLIENT_DOTS = 157;

/** For a pointer the band of sessions ends where the band of shares begins; the drawing has a gap between them. */
const SHARES_FROM = SHARE_BAND.inner - 2;
/** Bins for a pointer: one for each degree. */
const POINTER_BINS = 360;

const TURN = Math.PI * 2;

/** The radii of a region's band of slots. The first region has the outermost band. */
export function slotBand(
  index: number,
  regionCount: number,
): { readonly inner: number; readonly outer: number } {
  const thickness = (SLOT_BAND.outer - SLOT_BAND.inner - (regionCount - 1)) / regionCount;
  const outer = SLOT_BAND.outer - index * (thickness + 1);
  return { inner: outer - thickness, outer };
}

/** A shard as the two inner bands show it. */
export type DrawnShard = {
  readonly id: string;
  readonly region: string;
  readonly share: number;
  readonly sessions: number | null;
};

/** The shard under a point of the drawing. `regions` are the regions that are drawn, in order. */
export function shardAt(
  { x, y }: { readonly x: number; readonly y: number },
  drawn: {
    readonly ring: Ring;
    readonly regions: readonly string[];
    readonly shards: readonly DrawnShard[];
  },
): string | undefined {
  const { ring, regions } = drawn;
  const radius = Math.hypot(x, y);
  const turn = ((Math.atan2(y, x) + Math.PI / 2) / TURN + 1) % 1;
  for (const [index, region] of regions.entries()) {
    const { inner, outer } = slotBand(index, regions.length);
    if (radius < inner || radius > outer) continue;
    return binOwners(ring, region, POINTER_BINS)[Math.floor(turn * POINTER_BINS)];
  }
  const parts = drawn.shards
    .filter(({ region }) => regions.includes(region))
    .flatMap((shard) => {
      const part = partAt(radius, shard);
      return part === undefined ? [] : [{ id: shard.id, part }];
    });
  const angle = turn * TURN - Math.PI / 2;
  return wedges(parts).find(({ from, to }) => angle >= from && angle < to)?.id;
}

/** The size of a shard's part in the inner band at a radius; undefined outside of both bands. */
function partAt(radius: number, shard: DrawnShard): number | undefined {
  if (radius > SHARES_FROM && radius < SHARE_BAND.outer) return shard.share;
  if (radius > SESSION_BAND.inner && radius <= SHARES_FROM) return shard.sessions ?? 0;
  return undefined;
}
