/**
 * The row of one batch of a channel: the events `first` to `first + count - 1` of the journal. An event for one socket is
 * a batch of its own, and its channel is the socket's id.
 */
export type BatchEntry = {
  readonly first: number;
  readonly count: number;
  readonly logEpoch: string;
  /** The offset in the channel's log before the first event. */
  readonly since: number;
  /** The unions among the events: which event of the batch, and the union's name. */
  readonly unions: readonly (readonly [number, string])[];
};

const lastOf = ({ first, count }: BatchEntry): number => first + count - 1;

/** The batches of a journal by channel, in the order of the journal. */
export class JournalIndex {
  readonly #byChannel = new Map<string, BatchEntry[]>();
  /** Those with unions, which are few. */
  readonly #withUnions = new Map<string, BatchEntry[]>();

  /** MUST come in the order of the journal. */
  add(channel: string, entry: BatchEntry): void {
    append(this.#byChannel, channel, entry);
    if (entry.unions.length > 0) append(this.#withUnions, channel, entry);
  }

  /** The batches of a channel that begin after a place in the journal. */
  after(channel: string, sequence: number): readonly BatchEntry[] {
    const entries = this.#byChannel.get(channel) ?? [];
    return entries.slice(countWhile(entries, ({ first }) => first <= sequence));
  }

  /** The first batch of a channel with an event after a place in the journal. */
  firstAfter(channel: string, sequence: number): BatchEntry | undefined {
    const entries = this.#byChannel.get(channel) ?? [];
    return entries[countWhile(entries, (entry) => lastOf(entry) <= sequence)];
  }

  /** The last batch of a channel that begins at a place in the journal, or before. */
  lastUpTo(channel: string, sequence: number): BatchEntry | undefined {
    const entries = this.#byChannel.get(channel) ?? [];
    return entries[countWhile(entries, ({ first }) => first <= sequence) - 1];
  }

  /** The unions of a channel between two places in the journal, the first excluded, each with its place. */
  *unions(channel: string, after: number, upTo: number): Generator<readonly [place: number, union: string]> {
    const entries = this.#withUnions.get(channel) ?? [];
    for (let n = countWhile(entries, (entry) => lastOf(entry) <= after); n < entries.length; n++) {
      const entry = entries[n];
      if (entry === undefined || entry.first > upTo) return;
      for (const [at, union] of entry.unions)
        if (entry.first + at > after && entry.first + at <= upTo) yield [entry.first + at, union];
    }
  }
}

function append(lists: Map<string, BatchEntry[]>, channel: string, entry: BatchEntry): void {
  const entries = lists.get(channel);
  if (entries === undefined) lists.set(channel, [entry]);
  else entries.push(entry);
}

/** How many of a list's first elements a condition holds for, which holds for no later one. */
function countWhile<Element>(list: readonly Element[], holds: (element: Element) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const element = list[middle];
    if (element !== undefined && holds(element)) low = middle + 1;
    else high = middle;
  }
  return low;
}
