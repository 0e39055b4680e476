import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const LOOK_MS = 1_000;

/** Closed while a file exists, so that other work on the machine may ask for quiet. */
export class Gate {
  readonly #file: string | undefined;
  readonly #lookMs: number;
  #isClosed = false;
  readonly #hear = new Set<(isClosed: boolean) => void>();
  readonly #timer: NodeJS.Timeout;

  constructor(file: string | undefined, lookMs = LOOK_MS) {
    this.#file = file;
    this.#lookMs = lookMs;
    this.#look();
    this.#timer = setInterval(() => this.#look(), lookMs);
    this.#timer.unref();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  async opened(): Promise<void> {
    while (this.#isClosed) await sleep(this.#lookMs);
  }

  /** Calls `hear` at each change. Returns a function that ends it. */
  onChange(hear: (isClosed: boolean) => void): () => void {
    this.#hear.add(hear);
    return () => this.#hear.delete(hear);
  }

  #look(): void {
    const isClosed = this.#file !== undefined && existsSync(this.#file);
    if (isClosed === this.#isClosed) return;
    this.#isClosed = isClosed;
    console.log(isClosed ? `The runs pause while ${this.#file ?? ""} exists.` : "The runs go on.");
    for (const hear of this.#hear) hear(isClosed);
  }
}
