/** A client that does not answer within this time does not answer any more: the shard stays awake for each answer. */
export const MOST_WAIT_MS = 60_000;
/** Answers that one connection may owe. */
const MOST_PENDING = 256;

/** The error for an event to a socket that has gone, in the words of a stock client. */
export const hasGone = (): Error => new Error("socket has been disconnected");

/** The error for an answer that has not come, in the words of a stock server. */
export const hasTimedOut = (): Error => new Error("operation has timed out");

export type Answered = (error: Error | null, args: readonly unknown[]) => unknown;

/** The acknowledgements that one connection owes. They do not outlive the memory of the object (SPEC SO9). */
export class Acks {
  readonly #pending = new Map<
    number,
    { readonly nsp: string; readonly timer: ReturnType<typeof setTimeout>; readonly answered: Answered }
  >();
  /** Begins at random, so that no late answer to an event from before a sleep is taken for another. */
  #next = Math.floor(Math.random() * 2 ** 40);

  get size(): number {
    return this.#pending.size;
  }

  /** The id of an event whose answer is awaited. */
  expect(
    nsp: string,
    { timeoutMs, answered }: { readonly timeoutMs: number; readonly answered: Answered },
  ): number {
    if (this.#pending.size >= MOST_PENDING)
      throw new Error(`${MOST_PENDING} acknowledgements are awaited already`);
    const id = this.#next++;
    const timer = setTimeout(
      () => {
        this.#pending.delete(id);
        answered(hasTimedOut(), []);
      },
      Math.min(timeoutMs, MOST_WAIT_MS),
    );
    this.#pending.set(id, { nsp, timer, answered });
    return id;
  }

  /** The event of an id could not be sent: nobody waits for its answer. */
  drop(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
  }

  /** An answer came. One that is not awaited changes nothing. */
  take(nsp: string, id: number, args: readonly unknown[]): void {
    const pending = this.#pending.get(id);
    if (pending === undefined || pending.nsp !== nsp) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    pending.answered(null, args);
  }

  /** The socket of a namespace has gone: its answers come no more, and no timer keeps the shard awake for them. */
  end(nsp: string): void {
    for (const [id, pending] of this.#pending) {
      if (pending.nsp !== nsp) continue;
      this.#pending.delete(id);
      clearTimeout(pending.timer);
      pending.answered(hasGone(), []);
    }
  }
}
