import { REFUSED_AFTER_MS } from "./acks.ts";

/** Handlers of one client that run at once; the frames after that wait. */
const MOST_RUNNING = 64;
/** Its joins, leaves and emits that are under way; the frames after that wait. */
const MOST_OWED = 256;

/** Its emits that await answers of many clients. */
const MOST_WAITING = 64;

/** The work of one client that has not ended. Its next frame waits while there is too much of it (SPEC SO16). */
export class Running {
  #handlers = 0;
  /** Joins, leaves and emits, for handlers need not wait for them. */
  #owed = 0;
  #waiting = 0;
  /** Ends the wait of the next frame; frames come one at a time. */
  #onProgress: () => void = () => undefined;

  /** Counts a handler until it has ended; failures are the caller's. */
  async handler(work: PromiseLike<unknown>): Promise<void> {
    this.#handlers += 1;
    try {
      await work;
    } finally {
      this.#handlers -= 1;
      this.progress();
    }
  }

  /** Counts a join, a leave or an emit until it has ended, however it ends. */
  async owe(work: Promise<unknown>): Promise<void> {
    this.#owed += 1;
    await work.catch(() => undefined);
    this.#owed -= 1;
    this.progress();
  }

  /** Counts work that waits for clients, this one perhaps. Rejects where there is too much of it. */
  async waiting<T>(before: Promise<unknown>, work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MOST_WAITING) {
      await scheduler.wait(REFUSED_AFTER_MS);
      throw new Error(`a connection's handlers await the answers to ${MOST_WAITING} emits at most`);
    }
    this.#waiting += 1;
    // A handler may wait for this, and the answer that it waits for is a frame.
    this.progress();
    try {
      await before;
      return await work();
    } finally {
      this.#waiting -= 1;
      this.progress();
    }
  }

  /** A frame that waits looks again. */
  progress(): void {
    this.#onProgress();
  }

  /** Resolves when there is room for the next frame, or the session has ended. */
  async whenNotBusy({ waiting, isEnded }: Busyness): Promise<void> {
    const isBusy = (): boolean =>
      this.#handlers - this.#waiting - waiting() >= MOST_RUNNING || this.#owed >= MOST_OWED;
    while (isBusy() && !isEnded()) await new Promise<void>((resolve) => (this.#onProgress = resolve));
  }
}

/** `waiting`: handlers that wait for an answer of the client, which is a frame, too: they hold up none. */
export type Busyness = { readonly waiting: () => number; readonly isEnded: () => boolean };

/** A handler's result may be a promise of any make. */
export const isThenable = (result: unknown): result is PromiseLike<unknown> =>
  typeof result === "object" && result !== null && "then" in result && typeof result.then === "function";
