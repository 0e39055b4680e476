import type { Log } from "./log.ts";
import { refusalOf } from "./read-log.ts";

function refuse(): never {
  throw new Error("a log is stored before its first publication");
}

/** The log of a name that has never been used: reading it stores nothing (SPEC BD13). It takes no publication. */
export function openUnusedLog(logEpoch: string): Log {
  return {
    durable: true,
    logEpoch,
    top: 0,
    isForgotten: true,
    append: refuse,
    appendAll: refuse,
    after: () => [],
    view: () => ({ logEpoch, top: 0, publications: [] }),
    history: (query) => ({ logEpoch, top: 0, publications: [], refused: refusalOf(query, logEpoch) }),
    clear: () => undefined,
    expire: () => undefined,
    dueAfterAppend: () => undefined,
  };
}
