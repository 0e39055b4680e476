import type { Log } from "./log.ts";

/** How many ids a log without storage remembers: a retry comes within seconds. */
const REMEMBERED_IDS = 4_096;

/**
 * A log that keeps nothing: the clients that are connected hear its publications, at most once (SPEC LG5). So it throws
 * where an unknown publication is late: its caller may have made another call, to a life whose ids are forgotten.
 */
export function openEphemeralLog(logEpoch: string): Log {
  let top = 0;
  const offsets = new Map<string, number>();
  const log: Log = {
    durable: false,
    // A retry after its channel was forgotten finds no listener that has heard the publication before.
    isForgotten: true,
    logEpoch,
    get top() {
      return top;
    },
    append({ id, awaitedUntil = Infinity }, now) {
      const known = offsets.get(id);
      if (known !== undefined) return { offset: known, logEpoch, refused: null, repeated: true };
      if (awaitedUntil < now) throw new Error("the call to publish came when nobody awaited it any more");
      top += 1;
      offsets.set(id, top);
      if (offsets.size > REMEMBERED_IDS) offsets.delete(offsets.keys().next().value ?? "");
      return { offset: top, logEpoch, refused: null, repeated: false };
    },
    appendAll: (publications, now, also) => {
      const before = top;
      const added = publications.filter(({ id }) => !offsets.has(id));
      try {
        const appended = publications.map((one) => log.append(one, now));
        also?.(appended);
        return appended;
      } catch (error) {
        top = before;
        for (const { id } of added) offsets.delete(id);
        throw error;
      }
    },
    after: () => [],
    view: () => ({ logEpoch, top, publications: [] }),
    history: () => ({ logEpoch, top, publications: [], refused: "notAvailable" }),
    clear: () => undefined,
    expire: () => undefined,
    dueAfterAppend: () => undefined,
  };
  return log;
}
