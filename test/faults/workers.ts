import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Batch, BatchDone } from "./batch.ts";

/** A process of the simulator. It has the code that was there when it began. */
export class Worker {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** `plant`: the slip that the code of this process has. */
  static async start(plant?: string): Promise<Worker> {
    const child = fork(join(import.meta.dirname, "simulator-worker.ts"), plant === undefined ? [] : [plant], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    const worker = new Worker(child);
    await worker.#answer();
    return worker;
  }

  /** Rejects if the process ends before the batch has. */
  async run(batch: Batch): Promise<BatchDone> {
    this.#child.send(batch);
    return (await this.#answer()) as BatchDone;
  }

  /** Virtual time does not notice it. */
  pause({ isPaused }: { readonly isPaused: boolean }): void {
    this.#child.kill(isPaused ? "SIGSTOP" : "SIGCONT");
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }

  async #answer(): Promise<unknown> {
    const over = new AbortController();
    const { signal } = over;
    try {
      const exited = once(this.#child, "exit", { signal }).then(() => {
        throw new Error("a process of the simulator has ended");
      });
      const [message] = await Promise.race([once(this.#child, "message", { signal }), exited]);
      return message;
    } finally {
      over.abort();
    }
  }
}
