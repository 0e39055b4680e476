/** A thread that runs histories, one after the other; see histories.ts. */
import { parentPort, workerData } from "node:worker_threads";
import type { Answer, Job, ThreadData } from "./histories.ts";
import { PLANTS } from "./plants.ts";
import { register } from "./register.ts";

const { plant } = workerData as ThreadData;
const planted = register(plant === undefined ? undefined : PLANTS[plant]);
const { runHistory } = await import("./history.ts");
if (!planted.loaded()) throw new Error("the simulator does not run the file that the plant changes");

const port = parentPort;
if (port === null) throw new Error("this file is for a thread of its own");
port.on("message", ({ seed, steps, options }: Job) => {
  void runHistory(seed, steps, options).then(
    (outcome) => port.postMessage({ outcome } satisfies Answer),
    (error: unknown) => port.postMessage({ error } satisfies Answer),
  );
});
