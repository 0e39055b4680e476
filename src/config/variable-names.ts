const OWN = "RINGCAST";
const KNOWN: ReadonlySet<string> = new Set([OWN, "RINGCAST_OVERRIDES"]);
export const NAMESPACE_PREFIX = "RINGCAST_NS_";
/** A misspelt `RINGCAST` differs from it by at most so many letters. */
const SLIPS = 2;

/** The variables that look like settings of Ringcast and are not. Without an error, a slip would lose a setting (SPEC AU5). */
export const findMisspelt = (names: readonly string[]): string[] =>
  names.flatMap((name) => problemOf(name) ?? []);

function problemOf(name: string): string | undefined {
  if (KNOWN.has(name)) return undefined;
  if (name.startsWith(NAMESPACE_PREFIX)) {
    const namespace = name.slice(NAMESPACE_PREFIX.length);
    if (namespace === "") return `${name}: the name of the namespace is missing`;
    if (namespace !== "DEFAULT" && namespace.toUpperCase() === "DEFAULT")
      return `${name}: the options of channels without a namespace are in ${NAMESPACE_PREFIX}DEFAULT`;
    return undefined;
  }
  const [first = ""] = name.split("_");
  const looksOwn = name.toUpperCase().startsWith(OWN) || distance(first.toUpperCase(), OWN, SLIPS) <= SLIPS;
  if (!looksOwn) return undefined;
  return `${name}: there is no such variable; the settings are in ${[...KNOWN].join(", ")} and ${NAMESPACE_PREFIX}<namespace>`;
}

/** How many letters have to be added, left out or exchanged; more than `most` where the lengths alone say so. */
function distance(from: string, to: string, most: number): number {
  if (Math.abs(from.length - to.length) > most) return most + 1;
  let row = Array.from({ length: to.length + 1 }, (_, n) => n);
  for (const [i, letter] of from.split("").entries()) {
    const next = [i + 1];
    for (const [j, other] of to.split("").entries()) {
      const exchanged = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(exchanged, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
