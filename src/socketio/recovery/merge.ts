import type { Encoded } from "../wire.ts";

/**
 * Brings what a client has missed of several channels into one order. The order of each list stays; between lists the
 * earlier event goes first, so that the events of one sender stay in the order in which it has sent them.
 */
export function mergeMissed(lists: readonly (readonly Encoded[])[]): Encoded[] {
  const merged: Encoded[] = [];
  const next = lists.map(() => 0);
  const total = lists.reduce((sum, { length }) => sum + length, 0);
  while (merged.length < total) {
    let first: { readonly list: number; readonly event: Encoded } | undefined;
    for (const [list, events] of lists.entries()) {
      const event = events[next[list] ?? 0];
      if (event !== undefined && (first === undefined || stampOf(event) < stampOf(first.event)))
        first = { list, event };
    }
    if (first === undefined) break;
    merged.push(first.event);
    next[first.list] = (next[first.list] ?? 0) + 1;
  }
  return merged;
}

/** Data of other clients in a shared room has none. */
const stampOf = ({ message: { stamp = 0 } }: Encoded): number => stamp;
