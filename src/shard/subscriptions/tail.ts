import type { LogView, Publication } from "../../contracts/publication.ts";

type Run = {
  readonly logEpoch: string;
  /** Contiguous, and the last is `top`; none where the log held none. */
  publications: Publication[];
  top: number;
  bytes: number;
  /** The log itself had no older publication that a client may resume from. */
  whole: boolean;
};

/** `whole`: the log cannot resume a client from before it either: what is trimmed or too far behind stays so. */
export type TailView = LogView & { readonly whole: boolean };

/**
 * The last publications of each channel that this shard has seen, as far as memory allows, and no more of a channel
 * than may be resumed: 10,000 clients that come back at once are answered from here (SPEC DL6). It proves a resume, and
 * refutes one only by what the log has said.
 */
export class Tail {
  readonly #maxBytes: number;
  readonly #maxPublications: number;
  readonly #maxBytesOfRun: number;
  /** Least recently used first. */
  readonly #runs = new Map<string, Run>();
  #bytes = 0;

  constructor(limits: {
    readonly tailBytes: number;
    readonly recoveryMaxPublications: number;
    readonly resumeBytes: number;
  }) {
    this.#maxBytes = limits.tailBytes;
    this.#maxPublications = limits.recoveryMaxPublications;
    this.#maxBytesOfRun = limits.resumeBytes;
  }

  /** Adds what a channel has said, in order; what does not join on replaces what there was. */
  add(channel: string, logEpoch: string, publications: readonly Publication[]): void {
    const [first] = publications;
    if (first === undefined) return;
    let run = this.#runs.get(channel);
    if (run === undefined || run.logEpoch !== logEpoch || first.offset > run.top + 1) {
      this.drop(channel);
      run = { logEpoch, publications: [], top: first.offset - 1, bytes: 0, whole: false };
    }
    for (const publication of publications) {
      if (publication.offset <= run.top) continue;
      run.publications.push(publication);
      run.top = publication.offset;
      run.bytes += publication.body.length;
      this.#bytes += publication.body.length;
    }
    this.#use(channel, run);
    this.#shrink(run);
  }

  /** Takes what the log has said of its newest end; what is known to come after it stays. `whole`: see {@link TailView}. */
  learn(channel: string, view: LogView, { whole }: { readonly whole: boolean }): void {
    const known = this.#runs.get(channel);
    const same = known?.logEpoch === view.logEpoch ? known : undefined;
    const newer = same?.publications.filter(({ offset }) => offset > view.top) ?? [];
    const joins = newer[0] === undefined || newer[0].offset === view.top + 1;
    const publications = joins ? [...view.publications, ...newer] : [...view.publications];
    const [first] = publications;
    const longer = (first?.offset ?? Infinity) < (same?.publications[0]?.offset ?? Infinity);
    if (same !== undefined && !whole && !longer) return;
    this.drop(channel);
    const bytes = publications.reduce((sum, { body }) => sum + body.length, 0);
    this.#bytes += bytes;
    const top = publications.at(-1)?.offset ?? view.top;
    const run = { logEpoch: view.logEpoch, publications, top, bytes, whole };
    this.#use(channel, run);
    this.#shrink(run);
  }

  /** The remembered end of a channel's log; undefined if none is. */
  view(channel: string): TailView | undefined {
    const run = this.#runs.get(channel);
    if (run === undefined) return undefined;
    this.#use(channel, run);
    return run;
  }

  /** The publication at an offset, where it is remembered. */
  at(channel: string, logEpoch: string, offset: number): Publication | undefined {
    const run = this.#runs.get(channel);
    if (run === undefined || run.logEpoch !== logEpoch) return undefined;
    // Contiguous up to the top.
    return run.publications[run.publications.length - 1 - (run.top - offset)];
  }

  drop(channel: string): void {
    const run = this.#runs.get(channel);
    if (run === undefined) return;
    this.#bytes -= run.bytes;
    this.#runs.delete(channel);
  }

  #use(channel: string, run: Run): void {
    this.#runs.delete(channel);
    this.#runs.set(channel, run);
  }

  /** Drops the oldest of the run in use, then the runs that were used least recently. */
  #shrink(used: Run): void {
    this.#trim(used, used.publications.length - this.#maxPublications);
    this.#trim(used, Math.min(countOf(used, used.bytes - this.#maxBytesOfRun), used.publications.length - 1));
    for (const [channel, run] of this.#runs) {
      if (this.#bytes <= this.#maxBytes) return;
      if (this.#runs.size > 1) {
        this.drop(channel);
        continue;
      }
      // The only one left.
      run.whole = false;
      this.#trim(run, countOf(run, this.#bytes - this.#maxBytes));
      if (run.publications.length === 0) this.drop(channel);
    }
  }

  #trim(run: Run, count: number): void {
    if (count <= 0) return;
    const bytes = run.publications.splice(0, count).reduce((sum, { body }) => sum + body.length, 0);
    run.bytes -= bytes;
    this.#bytes -= bytes;
  }
}

/** How many of the oldest publications of a run have so many bytes, or more. */
function countOf({ publications }: Run, bytes: number): number {
  let left = bytes;
  let count = 0;
  for (; left > 0 && count < publications.length; count++) left -= publications[count]?.body.length ?? 0;
  return count;
}
