/**
 * The first eight colours of shards. People with any kind of colour vision can tell them apart next to each other
 * (after Okabe and Ito, adjusted to each background). The page always shows a shard's name beside its colour.
 */
const DARK = ["#5b9dff", "#f0a53a", "#2fc79a", "#ee7fbf", "#b196ff", "#57cdea", "#f4714f", "#d8cd52"];
const LIGHT = ["#2468d6", "#c87800", "#0a8f69", "#c83d8c", "#7a52d8", "#0f8db5", "#d2421f", "#8d8500"];

export type Theme = "light" | "dark";

/** Degrees between the hues of one further colour and the next: hues by the golden angle never come close. */
const GOLDEN_ANGLE = 137.508;

/** The colour of an index from `colorIndex`: one of the first eight, else a hue in one of three lightnesses. */
export function colorAt(index: number, theme: Theme): string {
  const fixed = (theme === "dark" ? DARK : LIGHT)[index];
  if (fixed !== undefined) return fixed;
  const lightnesses = theme === "dark" ? [0.78, 0.66, 0.86] : [0.55, 0.45, 0.62];
  const lightness = lightnesses[index % lightnesses.length];
  const hue = Math.round((index * GOLDEN_ANGLE) % 360);
  return `oklch(${lightness ?? 0.6} 0.14 ${hue})`;
}

/** Ids that the cluster has given: a prefix, which is the region, and a number. */
const NUMBERED = /^(.*)-([1-9]\d{0,4})$/u;
/** The prefixes and the ids without a number begin at so many places among the colours. */
const STARTS = 997;

/**
 * The colour index of a shard, which follows from its id alone: two operators see the same colours, whatever their pages
 * have seen before (SPEC OP12). Shards with neighbouring numbers have neighbouring indexes, so far apart in hue.
 */
export function colorIndex(id: string): number {
  const [, prefix = id, number = "1"] = NUMBERED.exec(id) ?? [];
  const start = prefix === "auto" ? 0 : hash(prefix) % STARTS;
  return start + Number(number) - 1;
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const letter of text) value = Math.imul(value ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return value >>> 0;
}
