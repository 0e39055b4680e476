import type { PubEntry } from "../../contracts/delivery.ts";
import type { LogView } from "../../log/recovery.ts";

type Run = {
  readonly logEpoch: string;
  /** Contiguous, and the last is `top`; none where the log held none. */
  publications: PubEntry[];
  top: number;
  bytes: number;
  /** The log itself had nothing older that anybody may resume from. */
  whole: boolean;
};

/** `whole`: who is before it cannot be resumed by the log either, as what is trimmed or too far behind stays so. */
export type TailView = LogView & { readonly whole: boolean };

/**
 * The last publications of each channel that this shard has seen, as far as memory allows: 10,000 clients that come
 * back at once are answered from here (SPEC DL6). It proves a resume, and refutes one only by what the log has said.
 */
export class Tail {
  readonly #maxBytes: number;
  /** Least recently used first. */
  readonly #runs = new Map<string, Run>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Adds what a channel has said, in order; what does not join on replaces what there was. */
  add(channel: string, logEpoch: string, publications: readonly PubEntry[]): void {
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
    this.#shrink();
  }

  /** Takes what the log has said of its newest end; what is known to come after it stays. */
  learn(channel: string, view: LogView, whole: boolean): void {
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
    this.#use(channel, { logEpoch: view.logEpoch, publications, top, bytes, whole });
    this.#shrink();
  }

  /** What is known of a channel; undefined if nothing is. */
  view(channel: string): TailView | undefined {
    const run = this.#runs.get(channel);
    if (run === undefined) return undefined;
    this.#use(channel, run);
    return run;
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

  #shrink(): void {
    for (const [channel, run] of this.#runs) {
      if (this.#bytes <= this.#maxBytes) return;
      if (this.#runs.size > 1) {
        this.drop(channel);
        continue;
      }
      // The only one left: its oldest go.
      run.whole = false;
      while (this.#bytes > this.#maxBytes && run.publications.length > 0) {
        const bytes = run.publications.shift()?.body.length ?? 0;
        run.bytes -= bytes;
        this.#bytes -= bytes;
      }
      if (run.publications.length === 0) this.drop(channel);
    }
  }
}
