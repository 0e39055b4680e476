import pRetry from "p-retry";
import type { createTestHarness } from "wrangler";

/** A Durable Object, by the name of its binding. */
export type NamedObject = { readonly binding: string; readonly name: string };
export type AnyObject = NamedObject | { readonly binding: string; readonly id: string };

type Harness = ReturnType<typeof createTestHarness>;

const NOT_RUNNING = /not currently running/;

/** On a busy machine the harness may take an idle connection to the runtime that the runtime has just closed. */
const isStale = ({ cause }: Error): boolean =>
  cause instanceof Error && "code" in cause && cause.code === "UND_ERR_SOCKET";

/** Ends the life of an object, and with `hibernate` keeps its sockets. One that is not running sleeps already. */
export async function evict(
  harness: Harness,
  { binding, ...object }: AnyObject,
  webSockets: "close" | "hibernate",
): Promise<void> {
  const evicted = () => harness.getWorker().evictDurableObject(binding, { ...object, webSockets });
  try {
    await pRetry(evicted, { retries: 3, minTimeout: 0, shouldRetry: ({ error }) => isStale(error) });
  } catch (error) {
    if (!(error instanceof Error && NOT_RUNNING.test(error.message))) throw error;
  }
}

/** The objects that do not fall asleep, one after the other: an object may wake another before its own turn. */
export async function awakeOf(
  objects: readonly AnyObject[],
  sleeps: (object: AnyObject) => Promise<boolean>,
): Promise<string[]> {
  const awake: string[] = [];
  for (const object of objects)
    if (!(await sleeps(object)))
      awake.push(`${object.binding} ${"name" in object ? object.name : object.id}`);
  return awake;
}

/** Whether some work ends in time; it may go on. */
export async function isIn(ms: number, work: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const startedAt = performance.now();
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  // Nobody waits for a late failure.
  work.catch(() => undefined);
  try {
    const isDone = await Promise.race([work.then(() => true), late]);
    // The harness may keep this thread waiting, and then the timer is late too.
    return isDone && performance.now() - startedAt <= ms;
  } finally {
    clearTimeout(timer);
  }
}
