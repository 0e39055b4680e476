import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { ScriptCoverage } from "./coverage.ts";
import type { HistoryOptions, Outcome } from "./history.ts";

export type Job = { readonly seed: number; readonly steps: number; readonly options: HistoryOptions };

/** Runs histories, each alone in its thread: virtual time replaces the time of a whole thread. */
export type Histories = {
  /** How many histories run at a time. */
  readonly width: number;
  run(job: Job): Promise<Outcome>;
  /** What has run in each thread. */
  coverage(): Promise<readonly (readonly ScriptCoverage[])[]>;
  close(): Promise<void>;
};

/** What a thread answers; see history-thread.ts. */
export type Answer =
  | { readonly outcome: Outcome }
  | { readonly coverage: readonly ScriptCoverage[] }
  | { readonly error: unknown };
/** `isCovered`: the thread counts which code runs. */
export type ThreadData = { readonly plant: string | undefined; readonly isCovered: boolean };
/** The question for what has run. */
export const COVERAGE = "coverage";

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
    coverage: () => Promise.resolve([]),
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
    coverage: () => Promise.all(threads.map((thread) => thread.coverage())),
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

  async run(job: Job): Promise<Outcome> {
    const answer = await this.#ask(job);
    if ("outcome" in answer) return answer.outcome;
    throw new Error(`the thread has answered ${JSON.stringify(answer)}`);
  }

  async coverage(): Promise<readonly ScriptCoverage[]> {
    const answer = await this.#ask(COVERAGE);
    return "coverage" in answer ? answer.coverage : [];
  }

  #ask(question: Job | typeof COVERAGE): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const onAnswer = (answer: Answer): void => {
      this.#worker.off("error", reject);
      if ("error" in answer) reject(answer.error);
      else resolve(answer);
    };
    this.#worker.once("message", onAnswer).once("error", reject);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    this.#worker.postMessage(question);
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
