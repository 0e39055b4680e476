import type { LogView, Position } from "../../contracts/publication.ts";
import {
  planCacheRecovery,
  planRecovery,
  proves,
  type Recovery,
  type ResumeLimit,
} from "../../log/recovery.ts";
import type { TailView } from "./tail.ts";

/** Where a listener begins. `position`: no publication at or before it will be sent; null where nothing is kept. */
export type Beginning = {
  readonly position: Position | null;
  /** Only where the client wanted to resume, and something is kept. */
  readonly recovery: Recovery | null;
};

export type Resume = { readonly since: Position; readonly mode: "stream" | "cache" };

/** Plans where a resuming listener begins. */
export function planBeginning(view: LogView, { since, mode }: Resume, limit: ResumeLimit): Beginning {
  const recovery = mode === "cache" ? planCacheRecovery(view, since) : planRecovery(view, since, limit);
  return { position: { logEpoch: view.logEpoch, offset: view.top }, recovery };
}

/** The offset to ask the log after. `again`: not the first to ask, so everything that may be resumed is fetched. */
export function lookupAfter(
  { since, mode }: Resume,
  { top, limit, again }: { readonly top: number; readonly limit: number; readonly again: boolean },
): number {
  if (mode === "cache") return Math.max(0, top - 1);
  return again ? Math.min(since.offset, Math.max(0, top - limit)) : since.offset;
}

/** Whether what a shard remembers is enough to answer a client without asking the log. */
export function settles(known: TailView, { since, mode }: Resume): boolean {
  if (mode === "cache") return known.publications.length > 0;
  const sameLog = since.logEpoch === "" || since.logEpoch === known.logEpoch;
  return proves(known, since) || (known.whole && sameLog && since.offset <= known.top);
}
