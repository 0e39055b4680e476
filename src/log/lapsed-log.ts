import type { Log } from "./log.ts";

/** A log stays for so long after its namespace has ceased to keep history. */
const KEPT_MS = 7 * 86_400_000;
/** The id of no publication, in a row of its own: it holds as long as the log does. */
export const LAPSED_ID = "ringcast:lapsed";

/** Whether a log that keeps nothing has a past: publications, or offsets that clients may know. */
export const hasPast = (sql: SqlStorage): boolean =>
  sql
    .exec<{ past: number }>(
      "SELECT EXISTS (SELECT 1 FROM log WHERE top > 0) OR EXISTS (SELECT 1 FROM publications) AS past",
    )
    .one().past === 1;

/**
 * The log of a channel whose namespace keeps no history any more: its setting may be gone by a slip, or as a deployment
 * was rolled back. Its publications show again with the setting (SPEC LG7). `present` takes those of the time between; from
 * the first of them on the stored log has another epoch, as nobody can go on where it was.
 */
export function openLapsedLog(
  sql: SqlStorage,
  present: Log,
  { newEpoch, now }: { readonly newEpoch: () => string; readonly now: number },
): Log {
  const [stored] = sql.exec<{ until: number }>("SELECT until FROM ids WHERE id = ?", LAPSED_ID).toArray();
  const until = stored?.until ?? now + KEPT_MS;
  if (stored === undefined)
    sql.exec("INSERT INTO ids (id, offset, until) VALUES (?, 0, ?)", LAPSED_ID, until);
  let isOver = false;
  let isPublished = false;
  const publish = (): void => {
    if (!isPublished) sql.exec("UPDATE log SET epoch = ?", newEpoch());
    isPublished = true;
  };
  return {
    durable: false,
    logEpoch: present.logEpoch,
    get top() {
      return present.top;
    },
    get isForgotten() {
      return isOver;
    },
    append(publication, at) {
      publish();
      return present.append(publication, at);
    },
    appendAll(publications, at, also) {
      publish();
      return present.appendAll(publications, at, also);
    },
    after: (...asked) => present.after(...asked),
    view: (...asked) => present.view(...asked),
    history: (...asked) => present.history(...asked),
    clear: (at) => present.clear(at),
    dueAfterAppend: (at) => present.dueAfterAppend(at),
    expire(at) {
      isOver = at >= until;
      return isOver ? undefined : until;
    },
  };
}
