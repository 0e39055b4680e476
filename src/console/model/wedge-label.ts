import type { Wedge } from "./arcs.ts";
import { SHARE_BAND } from "./ring-layout.ts";

/** The width of a letter and the height of a line of a label, in units of the drawing. */
const LETTER = 6.4;
const LINE = 6;

const BAND = SHARE_BAND.outer - SHARE_BAND.inner;
const RADIUS = (SHARE_BAND.outer + SHARE_BAND.inner) / 2;

/** The ways to label a wedge, the best first. `arc`: across it; `radius`: along it, from the middle outwards. */
const WAYS = [
  { is: "name", along: "arc" },
  { is: "number", along: "arc" },
  { is: "number", along: "radius" },
] as const;

/** Few small wedges do not change the labels of all. */
const NEARLY = 0.7;

export type WedgeLabel = { readonly text: string; readonly along: "arc" | "radius" };

/**
 * The label of each shard's wedge, in their order: its id, else the number at the end of its id, across or along the wedge
 * (SPEC OP19). The wedges look alike: the best way that labels nearly as many of them as any is that of all, and only a
 * smaller wedge has a shorter label. Undefined where not even the number fits.
 */
export function labelsOf(wedges: readonly Size[]): readonly (WedgeLabel | undefined)[] {
  const counts = WAYS.map((way) => wedges.filter((wedge) => labelIn(wedge, way) !== undefined).length);
  const most = Math.max(...counts);
  const ways = WAYS.slice(counts.findIndex((labelled) => labelled >= most * NEARLY));
  return wedges.map((wedge) => ways.map((way) => labelIn(wedge, way)).find((label) => label !== undefined));
}

type Size = Pick<Wedge, "id" | "from" | "to">;

function labelIn({ id, from, to }: Size, { is, along }: (typeof WAYS)[number]): WedgeLabel | undefined {
  const across = (to - from) * RADIUS;
  const text = is === "name" ? id : (/-(\d+)$/u.exec(id)?.[1] ?? id);
  const width = text.length * LETTER;
  const fits = along === "arc" ? width < across : across > LINE && width < BAND;
  return fits ? { text, along } : undefined;
}
