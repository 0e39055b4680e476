/** The most answers that one shard keeps, over all channels. */
const KEPT_ANSWERS = 1_000;
const KEPT_BYTES = 4_194_304;

type Kept<T> = { readonly at: number; readonly answer: Promise<T>; bytes: number };

/**
 * The answers of channels to a question, each asked for once for all that ask within `maxAgeMs`. Bounded in number and
 * bytes: an answer that does not fit is given to those that wait for it, and is not kept (SPEC BD64).
 */
export class SharedAnswers<T> {
  readonly #maxAgeMs: number;
  readonly #bytesOf: (answer: T) => number;
  /** The oldest first. */
  readonly #kept = new Map<string, Kept<T>>();
  #bytes = 0;

  constructor(maxAgeMs: number, bytesOf: (answer: T) => number) {
    this.#maxAgeMs = maxAgeMs;
    this.#bytesOf = bytesOf;
  }

  ask(channel: string, now: number, question: () => Promise<T>): Promise<T> {
    for (const [name, kept] of this.#kept) {
      if (now - kept.at < this.#maxAgeMs) break;
      this.#drop(name, kept);
    }
    const known = this.#kept.get(channel);
    if (known !== undefined) return known.answer;
    const kept: Kept<T> = { at: now, answer: question(), bytes: 0 };
    this.#kept.set(channel, kept);
    this.#dropOldest();
    void this.#weigh(channel, kept);
    return kept.answer;
  }

  async #weigh(channel: string, kept: Kept<T>): Promise<void> {
    try {
      const bytes = this.#bytesOf(await kept.answer);
      if (this.#kept.get(channel) !== kept) return;
      kept.bytes = bytes;
      this.#bytes += bytes;
      if (bytes > KEPT_BYTES) this.#drop(channel, kept);
      this.#dropOldest();
    } catch {
      // Those that have asked hear of it; the next asks again.
      this.#drop(channel, kept);
    }
  }

  #dropOldest(): void {
    for (const [name, kept] of this.#kept) {
      if (this.#kept.size <= KEPT_ANSWERS && this.#bytes <= KEPT_BYTES) return;
      this.#drop(name, kept);
    }
  }

  #drop(channel: string, kept: Kept<T>): void {
    if (this.#kept.get(channel) !== kept) return;
    this.#kept.delete(channel);
    this.#bytes -= kept.bytes;
  }
}
