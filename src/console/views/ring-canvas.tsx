import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { buildRing } from "../../ring/build.ts";
import type { Ring } from "../../ring/ring.ts";
import { preview } from "../data/change.ts";
import { colorOf } from "../data/colors.ts";
import { hoveredShard, shownRegion } from "../data/selection.ts";
import { ring } from "../data/store.ts";
import { reducedMotion } from "../data/theme.ts";
import { arcsOf, binOwners, BINS, movedBins, type Arc } from "../model/arcs.ts";
import { HALF, MOVE_MARKS, slotBand } from "../model/ring-layout.ts";

const ANIMATION_MS = 1_600;
/** A moving arc is this far outside of its band in the middle of the animation, in units of the drawing. */
const LIFT = 11;

/** A region's band: the owner of each bin. */
type Band = { readonly region: string; readonly owners: readonly string[] };
type Animation = { readonly before: readonly Band[]; readonly startedAt: number };

/**
 * The bands of slots, one for each region, in the colours of the owners. When the ring changes, an animation lifts the
 * moved arcs out of their band and puts them back in the colour of the new owner.
 */
export function RingCanvas() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d") ?? null;
    if (element === null || context === null) return undefined;
    const size = signal(0);
    const resized = new ResizeObserver(() => {
      size.value = element.clientWidth;
    });
    resized.observe(element);
    let bands: readonly Band[] = [];
    let epoch = 0;
    let animation: Animation | undefined;
    let frame = 0;

    const draw = (): void => {
      const scale = devicePixelRatio;
      const width = Math.round(size.peek() * scale);
      if (element.width !== width) element.width = element.height = width;
      context.setTransform(width / (2 * HALF), 0, 0, width / (2 * HALF), width / 2, width / 2);
      context.clearRect(-HALF, -HALF, 2 * HALF, 2 * HALF);
      const progress =
        animation === undefined ? 1 : Math.min(1, (performance.now() - animation.startedAt) / ANIMATION_MS);
      drawBands(context, { bands, before: animation?.before ?? [], progress });
      drawPreview(context, bands);
      if (progress < 1) frame = requestAnimationFrame(draw);
    };
    const stop = effect(() => {
      const present = ring.value;
      // `draw` reads these without a subscription; a change of any of them needs a new drawing.
      void [size.value, colorOf.value, hoveredShard.value, preview.value];
      const shown = present === undefined ? [] : bandsOf(present, shownRegion.value);
      if (present !== undefined && present.descriptor.epoch !== epoch) {
        const startedAt = reducedMotion.matches ? -Infinity : performance.now();
        if (epoch !== 0) animation = { before: bands, startedAt };
        epoch = present.descriptor.epoch;
      }
      bands = shown;
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(draw);
    });
    return () => {
      stop();
      cancelAnimationFrame(frame);
      resized.disconnect();
    };
  }, []);
  return <canvas ref={canvas} class="ring-canvas" aria-hidden="true" />;
}

function bandsOf(present: Ring, shown: string): Band[] {
  const regions = present.regions().filter((name) => shown === "" || name === shown);
  return regions.map((region) => ({ region, owners: binOwners(present, region) }));
}

/** Draws the bands at a progress of the animation from 0 to 1. */
function drawBands(
  context: CanvasRenderingContext2D,
  drawing: {
    readonly bands: readonly Band[];
    readonly before: readonly Band[];
    readonly progress: number;
  },
): void {
  const { bands, before, progress } = drawing;
  for (const [index, { region, owners }] of bands.entries()) {
    const { inner, outer } = slotBand(index, bands.length);
    const old = before.find((band) => band.region === region)?.owners ?? owners;
    const moved = movedBins(old, owners);
    const isMoved = (bin: number): boolean => moved.has(bin);
    strokeArcs(context, { owners, keep: (bin) => !moved.has(bin), inner, outer, alpha: 1 });
    if (progress < 1) {
      const lift = Math.sin(progress * Math.PI) * LIFT;
      const lifted = { keep: isMoved, inner: inner + lift, outer: outer + lift };
      strokeArcs(context, { owners: old, ...lifted, alpha: 1 - progress });
      strokeArcs(context, { owners, ...lifted, alpha: progress });
    } else {
      strokeArcs(context, { owners, keep: isMoved, inner, outer, alpha: 1 });
    }
    // Marks keep showing the slots that the last change has moved. A preview uses the same place for its own marks.
    if (index === 0 && moved.size > 0 && preview.peek() === undefined)
      strokeArcs(context, { owners, keep: isMoved, ...MOVE_MARKS, alpha: 0.9 * progress });
  }
}

/** Marks the slots that a dry run would move, in the colour of the new owner. */
function drawPreview(context: CanvasRenderingContext2D, bands: readonly Band[]): void {
  const descriptor = preview.peek();
  const band = bands[0];
  if (descriptor === undefined || band === undefined) return;
  const after = binOwners(buildRing(descriptor), band.region);
  const moved = movedBins(band.owners, after);
  strokeArcs(context, { owners: after, keep: (bin) => moved.has(bin), ...MOVE_MARKS, alpha: 1 });
}

function strokeArcs(
  context: CanvasRenderingContext2D,
  arcs: {
    readonly owners: readonly string[];
    readonly keep: (bin: number) => boolean;
    readonly inner: number;
    readonly outer: number;
    readonly alpha: number;
  },
): void {
  const { owners, keep, inner, outer, alpha } = arcs;
  const colorFor = colorOf.peek();
  const hovered = hoveredShard.peek();
  const radius = (inner + outer) / 2;
  context.lineWidth = outer - inner;
  // An arc is a little wider than its bins, so that the background does not show between two arcs of one colour.
  const overlap = (Math.PI * 2) / BINS / 12;
  for (const [shard, ofShard] of arcsByShard(arcsOf(owners, keep))) {
    context.globalAlpha = alpha * (hovered === undefined || hovered === shard ? 1 : 0.1);
    context.strokeStyle = colorFor(shard);
    context.beginPath();
    for (const { from, to } of ofShard) {
      context.moveTo(radius * Math.cos(from), radius * Math.sin(from));
      context.arc(0, 0, radius, from, to + overlap);
    }
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** One path for each shard: a path for each arc would be slow. */
function arcsByShard(arcs: readonly Arc[]): ReadonlyMap<string, readonly Arc[]> {
  const byShard = new Map<string, Arc[]>();
  for (const arc of arcs) {
    const known = byShard.get(arc.shard);
    if (known === undefined) byShard.set(arc.shard, [arc]);
    else known.push(arc);
  }
  return byShard;
}
