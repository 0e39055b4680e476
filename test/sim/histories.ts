import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { HistoryOptions, Outcome } from "./history.ts";

export type Job = { readonly seed: number; readonly steps: number; readonly options: HistoryOptions };

/** Runs histories, each alone in its thread: virtual time replaces the time of a whole thread. */
export type Histories = {
  /** How many histories run at a time. */
  readonly width: number;
  run(job: Job): Promise<Outcome>;
  close(): Promise<void>;
};

/** What a thread answers; see history-thread.ts. */
export type Answer = { readonly outcome: Outcome } | { readonly error: unknown };
export type ThreadData = { readonly plant: string | undefined };

/** Histories in this thread, one after the other. */
export function alone(run: Histories["run"]): Histories {
  let last: Promise<unknown> = Promise.resolve();
  return {
    width: 1,
    run(job) {
      const outcome = last.then(() => run(job));
      last = outcome.catch(() => undefined);
      return outcome;
    },
    close: () => Promise.resolve(),
  };
}

/** Histories in threads of their own. */
export function inThreads(width: number, data: ThreadData): Histories {
  const threads = Array.from({ length: width }, () => new Thread(data));
  const idle = [...threads];
  const waiting: ((thread: Thread) => void)[] = [];
  return {
    width,
    async run(job) {
      const thread = idle.pop() ?? (await new Promise<Thread>((resolve) => void waiting.push(resolve)));
      try {
        return await thread.run(job);
      } finally {
        const next = waiting.shift();
        if (next === undefined) idle.push(thread);
        else next(thread);
      }
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

class Thread {
  readonly #worker: Worker;

  constructor(workerData: ThreadData) {
    this.#worker = new Worker(join(import.meta.dirname, "history-thread.ts"), { workerData });
    // Each job hears of it.
    this.#worker.on("error", () => undefined);
  }

  run(job: Job): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    const onAnswer = (answer: Answer): void => {
      this.#worker.off("error", reject);
      if ("outcome" in answer) resolve(answer.outcome);
      else reject(answer.error);
    };
    this.#worker.once("message", onAnswer).once("error", reject);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    this.#worker.postMessage(job);
    return promise;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/**
 * The outcomes of jobs in the order of the jobs, of which `width` run at a time. A job is taken from the list when it
 * begins.
 */
export async function* inOrder<T extends { readonly job: Job }>(
  histories: Histories,
  jobs: Iterable<T>,
): AsyncGenerator<T & { readonly outcome: Outcome }> {
  const running: Promise<T & { readonly outcome: Outcome }>[] = [];
  for (const one of jobs) {
    const run = histories.run(one.job).then((outcome) => ({ ...one, outcome }));
    // A later one may fail while an earlier one is awaited.
    run.catch(() => undefined);
    running.push(run);
    if (running.length < 2 * histories.width) continue;
    const first = running.shift();
    if (first !== undefined) yield await first;
  }
  for (const one of running) yield await one;
}
