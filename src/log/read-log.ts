import type { HistoryQuery, HistoryResult } from "../contracts/log.ts";
import type { Publication } from "../contracts/publication.ts";
import type { Most } from "./log.ts";

/** Reads rows of publications in the order of the query, as many as an answer may hold, and at least one (SPEC BD5). */
export function readPublications(
  sql: SqlStorage,
  query: string,
  { values, most }: { readonly values: readonly number[]; readonly most: Most },
): Publication[] {
  const rows = sql.exec<{ offset: number; body: string }>(
    `SELECT offset, body FROM publications ${query} LIMIT ?`,
    ...values,
    most.count,
  );
  const publications: Publication[] = [];
  let bytes = 0;
  for (const { offset, body } of rows) {
    bytes += body.length;
    if (bytes > most.bytes && publications.length > 0) break;
    publications.push({ kind: "pub", offset, body });
  }
  return publications;
}

/** The reason for which a query of the history is refused; null where it is not. */
export function refusalOf({ reverse, since }: HistoryQuery, logEpoch: string): HistoryResult["refused"] {
  if (since !== null && since.logEpoch !== "" && since.logEpoch !== logEpoch) return "unrecoverablePosition";
  return reverse && since?.offset === 0 ? "badRequest" : null;
}

/** See `LogContract.history`; a query gets what is not hidden. */
export function readHistory(
  sql: SqlStorage,
  query: HistoryQuery,
  log: { readonly logEpoch: string; readonly hidden: number; readonly most: Most },
): Pick<HistoryResult, "publications" | "refused"> {
  const { limit, reverse, since } = query;
  const refused = refusalOf(query, log.logEpoch);
  if (refused !== null || limit === 0) return { publications: [], refused };
  const { hidden } = log;
  const most = { ...log.most, count: limit < 0 ? log.most.count : Math.min(limit, log.most.count) };
  const publications = !reverse
    ? readPublications(sql, "WHERE offset > ? ORDER BY offset", {
        values: [Math.max(since?.offset ?? 0, hidden)],
        most,
      })
    : since === null
      ? readPublications(sql, "WHERE offset > ? ORDER BY offset DESC", { values: [hidden], most })
      : readPublications(sql, "WHERE offset > ? AND offset < ? ORDER BY offset DESC", {
          values: [hidden, since.offset],
          most,
        });
  return { publications, refused: null };
}

/** The oldest publication after an offset that came after a time. */
export const readOldest = (
  sql: SqlStorage,
  { after, since }: { readonly after: number; readonly since: number },
): { readonly offset: number; readonly at: number } | undefined =>
  sql
    .exec<{ offset: number; at: number }>(
      "SELECT offset, at FROM publications WHERE offset > ? AND at > ? ORDER BY offset LIMIT 1",
      after,
      since,
    )
    .toArray()[0];
