/**
 * How much one request may still be answered. A request has up to `limits.apiCommands` commands, each answer has up to
 * 4 MB, and all of them are in memory until the last is there.
 */
export class AnswerBudget {
  readonly #bytes: number;
  #left: number;

  /** `bytes`: counted as characters of JSON text, which is mostly ASCII. */
  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#left = bytes;
  }

  /** Why the request gets no further answer of a command that reads; undefined while it does. */
  get spent(): string | undefined {
    return this.#left > 0
      ? undefined
      : `the answers of one request have at most about ${this.#bytes} bytes; ask for the others in a further one`;
  }

  /** Counts the text of one answer. */
  count(text: string): string {
    this.#left -= text.length;
    return text;
  }
}
