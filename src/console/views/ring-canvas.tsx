import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { buildRing } from "../../ring/build.ts";
import type { Ring } from "../../ring/ring.ts";
import { colorOf, hovered, preview, ring, shownRegion } from "../data/store.ts";
import { calm } from "../data/theme.ts";
import { arcsOf, binOwners, BINS, movedBins } from "../model/arcs.ts";

/** Sizes in units of the drawing, which is 420 wide around 0,0. */
export const BAND = { inner: 166, outer: 196 } as const;
const TICKS = { inner: 199, outer: 206 } as const;
const HALF = 210;
const MOVE_MS = 1_600;
/** How far a moving arc is lifted on its way. */
const LIFT = 11;

type Band = { readonly region: string; readonly owners: readonly string[] };
type Change = { readonly before: readonly Band[]; readonly startedAt: number };

/** The slots, each in its owner's colour, one band for each region; arcs that change hands are lifted over. */
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
    let change: Change | undefined;
    let frame = 0;

    const draw = (): void => {
      const scale = devicePixelRatio;
      const width = Math.round(size.peek() * scale);
      if (element.width !== width) element.width = element.height = width;
      context.setTransform(width / (2 * HALF), 0, 0, width / (2 * HALF), width / 2, width / 2);
      context.clearRect(-HALF, -HALF, 2 * HALF, 2 * HALF);
      const progress =
        change === undefined ? 1 : Math.min(1, (performance.now() - change.startedAt) / MOVE_MS);
      drawBands(context, bands, change?.before ?? [], progress);
      drawPreview(context, bands);
      if (progress < 1) frame = requestAnimationFrame(draw);
    };
    const stop = effect(() => {
      const present = ring.value;
      // Each of these is a reason to draw again.
      void [size.value, colorOf.value, hovered.value, preview.value];
      const shown = present === undefined ? [] : bandsOf(present, shownRegion.value);
      if (present !== undefined && present.descriptor.epoch !== epoch) {
        if (epoch !== 0) change = { before: bands, startedAt: calm.matches ? -Infinity : performance.now() };
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

function bandsOf(present: Ring, only: string): Band[] {
  const regions = present.regions().filter((name) => only === "" || name === only);
  return regions.map((name) => ({ region: name, owners: binOwners(present, name) }));
}

/** Where the band of each region lies: the first is the outermost. */
export function bandRadii(index: number, bands: number): { readonly inner: number; readonly outer: number } {
  const thickness = (BAND.outer - BAND.inner - (bands - 1)) / bands;
  const outer = BAND.outer - index * (thickness + 1);
  return { inner: outer - thickness, outer };
}

function drawBands(
  context: CanvasRenderingContext2D,
  bands: readonly Band[],
  before: readonly Band[],
  progress: number,
): void {
  for (const [index, { region: name, owners }] of bands.entries()) {
    const { inner, outer } = bandRadii(index, bands.length);
    const old = before.find((band) => band.region === name)?.owners ?? owners;
    const moved = movedBins(old, owners);
    const stroke = (which: readonly string[], keep: (bin: number) => boolean, lift: number, alpha: number) =>
      strokeArcs(context, { owners: which, keep, inner: inner + lift, outer: outer + lift, alpha });
    stroke(owners, (bin) => !moved.has(bin), 0, 1);
    if (progress < 1) {
      const lift = Math.sin(progress * Math.PI) * LIFT;
      stroke(old, (bin) => moved.has(bin), lift, 1 - progress);
      stroke(owners, (bin) => moved.has(bin), lift, progress);
    } else {
      stroke(owners, (bin) => moved.has(bin), 0, 1);
    }
    // What the last change has moved stays marked.
    if (index === 0 && moved.size > 0 && preview.peek() === undefined)
      strokeArcs(context, { owners, keep: (bin) => moved.has(bin), ...TICKS, alpha: 0.9 * progress });
  }
}

/** What a dry run would move, in the colour of who would get it. */
function drawPreview(context: CanvasRenderingContext2D, bands: readonly Band[]): void {
  const wanted = preview.peek();
  const band = bands[0];
  if (wanted === undefined || band === undefined) return;
  const after = binOwners(buildRing(wanted), band.region);
  const moved = movedBins(band.owners, after);
  strokeArcs(context, { owners: after, keep: (bin) => moved.has(bin), ...TICKS, alpha: 1 });
}

function strokeArcs(
  context: CanvasRenderingContext2D,
  what: {
    readonly owners: readonly string[];
    readonly keep: (bin: number) => boolean;
    readonly inner: number;
    readonly outer: number;
    readonly alpha: number;
  },
): void {
  const paint = colorOf.peek();
  const focus = hovered.peek();
  const radius = (what.inner + what.outer) / 2;
  context.lineWidth = what.outer - what.inner;
  const byShard = new Map<string, [number, number][]>();
  for (const { shard, from, to } of arcsOf(what.owners, what.keep)) {
    const arcs = byShard.get(shard);
    if (arcs === undefined) byShard.set(shard, [[from, to]]);
    else arcs.push([from, to]);
  }
  // A hair wider than the bin, so that no background shows between two of one colour.
  const hair = (Math.PI * 2) / BINS / 12;
  for (const [shard, arcs] of byShard) {
    context.globalAlpha = what.alpha * (focus === undefined || focus === shard ? 1 : 0.1);
    context.strokeStyle = paint(shard);
    context.beginPath();
    for (const [from, to] of arcs) {
      context.moveTo(radius * Math.cos(from), radius * Math.sin(from));
      context.arc(0, 0, radius, from, to + hair);
    }
    context.stroke();
  }
  context.globalAlpha = 1;
}
