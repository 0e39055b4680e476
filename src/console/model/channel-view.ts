/** One line of a channel that the page watches. */
export type ChannelLine =
  | {
      readonly kind: "publication";
      readonly offset: number | undefined;
      readonly data: string;
      readonly from: string;
      readonly at: number | undefined;
    }
  | { readonly kind: "join" | "leave"; readonly who: string; readonly at: number };

const KEEP = 200;

/** Adds lines, the newest first. A publication whose offset is there already (history, then live) is one line. */
export function addLines(known: readonly ChannelLine[], fresh: readonly ChannelLine[]): ChannelLine[] {
  const offsets = new Set(known.flatMap((line) => (line.kind === "publication" ? [line.offset] : [])));
  const added = fresh.filter(
    (line) => line.kind !== "publication" || line.offset === undefined || !offsets.has(line.offset),
  );
  return [...added, ...known].slice(0, KEEP);
}

/** Puts kept publications where their offsets belong: below what came live. */
export function addHistory(known: readonly ChannelLine[], history: readonly ChannelLine[]): ChannelLine[] {
  const offsets = new Set(known.flatMap((line) => (line.kind === "publication" ? [line.offset] : [])));
  const missing = history.filter((line) => line.kind !== "publication" || !offsets.has(line.offset));
  return [...known, ...missing].slice(0, KEEP);
}

/** What a person typed as data: JSON where it is, else the text itself. */
export function readData(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Data on one line. */
export function showData(data: unknown): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}
