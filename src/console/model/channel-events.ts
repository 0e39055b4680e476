/** An event of the channel that the page watches. Times are ms since 1970. */
export type ChannelEvent =
  | {
      readonly kind: "publication";
      /** Undefined where the channel keeps no history. */
      readonly offset: number | undefined;
      readonly data: string;
      /** The name of the publisher; empty where the server API published. */
      readonly from: string;
      /** Undefined for a publication of the history, which has no time. */
      readonly at: number | undefined;
    }
  | { readonly kind: "join" | "leave"; readonly name: string; readonly at: number };

/** The page keeps this many events of the channel. */
const MAX_EVENTS = 200;

/** Adds events, newest first. A publication that is known by its offset, for example from the history, is not added. */
export function addEvents(known: readonly ChannelEvent[], fresh: readonly ChannelEvent[]): ChannelEvent[] {
  const offsets = offsetsOf(known);
  const added = fresh.filter(
    (event) => event.kind !== "publication" || event.offset === undefined || !offsets.has(event.offset),
  );
  return [...added, ...known].slice(0, MAX_EVENTS);
}

/** Adds publications of the history below the events that came live. */
export function addHistory(known: readonly ChannelEvent[], history: readonly ChannelEvent[]): ChannelEvent[] {
  const offsets = offsetsOf(known);
  const missing = history.filter((event) => event.kind !== "publication" || !offsets.has(event.offset));
  return [...known, ...missing].slice(0, MAX_EVENTS);
}

const offsetsOf = (events: readonly ChannelEvent[]): ReadonlySet<number | undefined> =>
  new Set(events.flatMap((event) => (event.kind === "publication" ? [event.offset] : [])));

/** Formats data as one line of at most 160 characters. */
export function formatData(data: unknown): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}
