/** A client that does not answer within this time does not answer any more: the shard stays awake for each answer. */
export const MOST_WAIT_MS = 60_000;
/** Answers that one connection may owe. */
const MOST_PENDING = 256;
/** An error that came at once would let a handler that asks again after each hold up its whole shard. */
export const REFUSED_AFTER_MS = 100;

/** Some clients keep ids in 32 bits. The lower half is for events to one socket, the upper one for those to many. */
const OWN_IDS = 2 ** 30;
export const newSharedId = (): number => OWN_IDS + Math.floor(Math.random() * (OWN_IDS - 1));

/** The error for an event to a socket that has gone, in the words of a stock client. */
export const hasGone = (): Error => new Error("socket has been disconnected");

/** The error for an answer that has not come, in the words of a stock server. */
export const hasTimedOut = (): Error => new Error("operation has timed out");

/** The error for an event while so many answers are awaited. */
export const tooManyAwaited = (): Error => new Error(`${MOST_PENDING} acknowledgements are awaited already`);

export type Answered = (error: Error | null, args: readonly unknown[]) => unknown;

/** The acknowledgements that one connection owes. They do not outlive the memory of the object (SPEC SO9). */
export class Acks {
  readonly #pending = new Map<
    number,
    { readonly nsp: string; readonly timer?: ReturnType<typeof setTimeout>; readonly answered: Answered }
  >();
  /** Those of events that many sockets answer. */
  #shared = 0;
  /** Begins at random, so that no late answer to an event from before a sleep is taken for another. */
  #next = Math.floor(Math.random() * OWN_IDS);

  /** Those that handlers of this client wait for. */
  get size(): number {
    return this.#pending.size - this.#shared;
  }

  get isFull(): boolean {
    return this.#pending.size >= MOST_PENDING;
  }

  /** The id of an event whose answer is awaited. MUST NOT be called where there are as many as may be. */
  expect(
    nsp: string,
    { timeoutMs, answered }: { readonly timeoutMs: number; readonly answered: Answered },
  ): number {
    const id = this.#next;
    this.#next = (id + 1) % OWN_IDS;
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

  /**
   * Awaits an answer under an id that other sockets share; the caller ends the wait with `drop`. False: as many answers
   * are awaited as may be.
   */
  expectShared(nsp: string, id: number, answered: Answered): boolean {
    if (this.isFull || this.#pending.has(id)) return false;
    this.#pending.set(id, { nsp, answered });
    this.#shared += 1;
    return true;
  }

  /** Nobody waits for the answer of an id any more, for example as its event could not be sent. */
  drop(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    if (pending.timer === undefined) this.#shared -= 1;
    else clearTimeout(pending.timer);
  }

  /** An answer came. One that is not awaited changes nothing. */
  take(nsp: string, id: number, args: readonly unknown[]): void {
    const pending = this.#pending.get(id);
    if (pending === undefined || pending.nsp !== nsp) return;
    this.drop(id);
    pending.answered(null, args);
  }

  /** The socket of a namespace has gone: its answers come no more, and no timer keeps the shard awake for them. */
  end(nsp: string): void {
    // A handler that hears of it may await more answers, or fewer.
    const gone = [...this.#pending].filter(([, pending]) => pending.nsp === nsp);
    for (const [id, { answered }] of gone) {
      if (!this.#pending.has(id)) continue;
      this.drop(id);
      answered(hasGone(), []);
    }
  }
}
