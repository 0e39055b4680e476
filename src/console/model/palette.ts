/**
 * The first eight colours of shards. People with any kind of colour vision can tell them apart next to each other
 * (after Okabe and Ito, adjusted to each background). The page always shows a shard's name beside its colour.
 */
const DARK = ["#5b9dff", "#f0a53a", "#2fc79a", "#ee7fbf", "#b196ff", "#57cdea", "#f4714f", "#d8cd52"];
const LIGHT = ["#2468d6", "#c87800", "#0a8f69", "#c83d8c", "#7a52d8", "#0f8db5", "#d2421f", "#8d8500"];

export type Theme = "light" | "dark";

/** Degrees between the hues of one further colour and the next: hues by the golden angle never come close. */
const GOLDEN_ANGLE = 137.508;

/** The colour of an index from `assignColors`: one of the first eight, else a hue in one of three lightnesses. */
export function colorAt(index: number, theme: Theme): string {
  const fixed = (theme === "dark" ? DARK : LIGHT)[index];
  if (fixed !== undefined) return fixed;
  const lightnesses = theme === "dark" ? [0.78, 0.66, 0.86] : [0.55, 0.45, 0.62];
  const lightness = lightnesses[index % lightnesses.length];
  const hue = Math.round((index * GOLDEN_ANGLE) % 360);
  return `oklch(${lightness ?? 0.6} 0.14 ${hue})`;
}

/**
 * Gives each shard a colour index. A shard keeps the index that it has; a new shard gets the lowest free one, so that
 * a change of the ring repaints no other shard.
 */
export function assignColors(
  before: ReadonlyMap<string, number>,
  shards: readonly string[],
): ReadonlyMap<string, number> {
  const after = new Map<string, number>();
  for (const id of shards) {
    const index = before.get(id);
    if (index !== undefined) after.set(id, index);
  }
  const taken = new Set(after.values());
  let next = 0;
  for (const id of shards) {
    if (after.has(id)) continue;
    while (taken.has(next)) next += 1;
    taken.add(next);
    after.set(id, next);
  }
  return after;
}
