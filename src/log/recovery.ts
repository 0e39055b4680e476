import type { LogView, Position, Publication } from "../contracts/publication.ts";

export type Recovery =
  | { readonly kind: "resume"; readonly publications: readonly Publication[] }
  | { readonly kind: "restart"; readonly reason: string };

/** The most that a client may resume: publications, and characters of their bodies (SPEC DL2, BD6). */
export type ResumeLimit = { readonly count: number; readonly bytes: number };

/**
 * Plans what a recovering subscriber is sent (SPEC DL2, DL3). `since` is the position that the client states; an empty log
 * epoch matches any.
 *
 * Answers `resume` with every publication after `since`, oldest first, or `restart` where the view cannot prove that
 * nothing is missing. MUST NOT answer with a part.
 */
export function planRecovery(view: LogView, since: Position, limit: ResumeLimit): Recovery {
  if (since.logEpoch !== "" && since.logEpoch !== view.logEpoch)
    return { kind: "restart", reason: "another log" };
  if (since.offset > view.top) return { kind: "restart", reason: "a position from the future" };
  if (view.top - since.offset > limit.count) return { kind: "restart", reason: "too far behind" };
  const oldest = view.publications[0]?.offset ?? view.top + 1;
  if (since.offset < oldest - 1) return { kind: "restart", reason: "trimmed" };
  const publications = view.publications.filter(({ offset }) => offset > since.offset);
  if (bytesOf(publications) > limit.bytes) return { kind: "restart", reason: "too much for one answer" };
  return { kind: "resume", publications };
}

/**
 * The same in cache mode: a subscriber wants the newest publication only. It is recovered if there is one, or if the
 * client has it already.
 */
export function planCacheRecovery(view: LogView, since: Position): Recovery {
  const sameLog = since.logEpoch === view.logEpoch;
  if (sameLog && since.offset === view.top && view.top > 0) return { kind: "resume", publications: [] };
  const newest = view.publications.at(-1);
  if (newest === undefined) return { kind: "restart", reason: "nothing is kept" };
  return { kind: "resume", publications: [newest] };
}

/** Whether a view has every publication after `since`, so that the log need not be asked. */
export const proves = (view: LogView, since: Position): boolean =>
  (since.logEpoch === "" || since.logEpoch === view.logEpoch) &&
  since.offset <= view.top &&
  since.offset >= (view.publications[0]?.offset ?? view.top + 1) - 1;

/** The characters of some publications' bodies. */
export const bytesOf = (publications: readonly Publication[]): number =>
  publications.reduce((sum, { body }) => sum + body.length, 0);
