/** Rollback, explanation and the console look back this far. With 128 shards it is some 5 MB. */
export const EPOCHS_KEPT = 500;
/** Besides the highest number of each region, from which new ids count on. */
export const IDS_KEPT = 10_000;

/**
 * The ids of former shards that may be forgotten, of all that were ever used, the oldest first. The highest number of a
 * region is never among them, so that no number is used again (SPEC MB3).
 */
export function idsToForget(
  used: readonly string[],
  { present, most }: { readonly present: ReadonlySet<string>; readonly most: number },
): string[] {
  const highest = new Map<string, { readonly id: string; readonly number: number }>();
  for (const id of used) {
    const [, prefix, digits] = /^(.*-)(\d{1,15})$/u.exec(id) ?? [];
    if (prefix === undefined) continue;
    const number = Number(digits);
    if (number > (highest.get(prefix)?.number ?? -1)) highest.set(prefix, { id, number });
  }
  const counted = new Set([...highest.values()].map(({ id }) => id));
  return used.slice(0, Math.max(0, used.length - most)).filter((id) => !counted.has(id) && !present.has(id));
}
