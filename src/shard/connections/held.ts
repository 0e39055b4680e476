import type { Frame } from "../frame.ts";

/** Frames that wait for the answer to `connect`, and their size in UTF-16 units (SPEC BD29). */
export class Held {
  readonly frames: Frame[] = [];
  units = 0;
  readonly #over = Promise.withResolvers<void>();

  /** Resolves when they have been sent, or their session has ended. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  end(): void {
    this.#over.resolve();
  }
}
