/** The counts of received publications and messages, over all simulated clients. */

/** The arrival percentiles cover this many of the newest publications. */
const MAX_ARRIVALS = 2_000;

const counters = { received: 0, gaps: 0, repeats: 0 };
const arrivals: number[] = [];
let arrivalCount = 0;

/** The part of a simulated client that these counts need. It may be updated thousands of times a second: no signal. */
export type ReceiveState = {
  received: number;
  lastOffset: number | undefined;
};

/** Publications received, publications missed (gaps) and publications received twice (repeats), since the last reset. */
export const readCounters = (): Readonly<typeof counters> => ({ ...counters });

/** The time from a publish in this page to the arrival at a client, ms. Undefined before the first arrival. */
export function arrivalPercentiles(): { readonly p50Ms: number; readonly p99Ms: number } | undefined {
  if (arrivals.length === 0) return undefined;
  const sorted = arrivals.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

export function countReceived(
  client: ReceiveState,
  publication: { readonly offset?: number | undefined; readonly data: unknown },
): void {
  client.received += 1;
  counters.received += 1;
  if (publication.offset !== undefined) countOffset(client, publication.offset);
  const sentAt = sentAtOf(publication.data);
  if (sentAt === undefined) return;
  arrivals[arrivalCount % MAX_ARRIVALS] = Math.max(0, Date.now() - sentAt);
  arrivalCount += 1;
}

export function resetCounters(): void {
  Object.assign(counters, { received: 0, gaps: 0, repeats: 0 });
  arrivals.length = 0;
  arrivalCount = 0;
}

function countOffset(client: ReceiveState, offset: number): void {
  const last = client.lastOffset;
  if (last !== undefined && offset <= last) counters.repeats += 1;
  else if (last !== undefined && offset > last + 1) counters.gaps += offset - last - 1;
  client.lastOffset = Math.max(offset, last ?? 0);
}

/** The time stamp that this page puts into its own messages, ms since 1970. */
function sentAtOf(data: unknown): number | undefined {
  if (typeof data !== "object" || data === null || !("sentAt" in data)) return undefined;
  return typeof data.sentAt === "number" ? data.sentAt : undefined;
}
