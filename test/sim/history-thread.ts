/** A thread that runs histories, one after the other; see histories.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { COVERAGE, type Answer, type Job, type ThreadData } from "./histories.ts";
import { PLANTS } from "./plants.ts";
import { register } from "./register.ts";

const { plant, isCovered } = workerData as ThreadData;
const covered = isCovered ? await (await import("./coverage.ts")).startCoverage() : undefined;
const planted = register(plant === undefined ? undefined : PLANTS[plant]);
const { runHistory } = await import("./history.ts");
if (!planted.loaded()) throw new Error("the simulator does not run the file that the plant changes");

const port = parentPort;
if (port === null) throw new Error("this file is for a thread of its own");
port.on("message", (question: Job | typeof COVERAGE) => {
  void answer(question).then(
    (found) => port.postMessage(found),
    (error: unknown) => port.postMessage({ error } satisfies Answer),
  );
});

async function answer(question: Job | typeof COVERAGE): Promise<Answer> {
  if (question === COVERAGE) return { coverage: (await covered?.take()) ?? [] };
  const { seed, steps, options } = question;
  return { outcome: await runHistory(seed, steps, options) };
}
