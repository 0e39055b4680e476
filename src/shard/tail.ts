import type { PubEntry } from "../protocol/delivery.ts";
import type { LogView } from "../protocol/recovery.ts";

type Run = { readonly logEpoch: string; publications: PubEntry[]; bytes: number };

/**
 * The last publications of each channel that this shard has seen, as far as memory allows: 10,000 clients that come
 * back at once are answered from here (SPEC DL6). It may prove a resume; it never refutes one.
 */
export class Tail {
  readonly #maxBytes: number;
  /** Least recently used first. Each run is contiguous. */
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
    const last = run?.publications.at(-1);
    if (
      run === undefined ||
      run.logEpoch !== logEpoch ||
      last === undefined ||
      first.offset > last.offset + 1
    ) {
      this.drop(channel);
      run = { logEpoch, publications: [], bytes: 0 };
    }
    const from = run.publications.at(-1)?.offset ?? 0;
    for (const publication of publications) {
      if (publication.offset <= from) continue;
      run.publications.push(publication);
      run.bytes += publication.body.length;
      this.#bytes += publication.body.length;
    }
    this.#runs.delete(channel);
    this.#runs.set(channel, run);
    this.#shrink();
  }

  /** What is known of a channel; undefined if nothing is. */
  view(channel: string): LogView | undefined {
    const run = this.#runs.get(channel);
    const top = run?.publications.at(-1)?.offset;
    if (run === undefined || top === undefined) return undefined;
    this.#runs.delete(channel);
    this.#runs.set(channel, run);
    return { logEpoch: run.logEpoch, top, publications: run.publications };
  }

  drop(channel: string): void {
    const run = this.#runs.get(channel);
    if (run === undefined) return;
    this.#bytes -= run.bytes;
    this.#runs.delete(channel);
  }

  #shrink(): void {
    for (const [channel, run] of this.#runs) {
      if (this.#bytes <= this.#maxBytes) return;
      if (this.#runs.size > 1) {
        this.drop(channel);
        continue;
      }
      // The only one left: its oldest go.
      while (this.#bytes > this.#maxBytes && run.publications.length > 0) {
        const bytes = run.publications.shift()?.body.length ?? 0;
        run.bytes -= bytes;
        this.#bytes -= bytes;
      }
      if (run.publications.length === 0) this.drop(channel);
    }
  }
}
