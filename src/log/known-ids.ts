/** An id that holds, by its id in order of age. `row`: of the publication, or of the table `ids`; `offset`: the answer. */
export type KnownId = { readonly row: number; readonly offset: number; readonly until: number };
export type KnownIds = Map<string, KnownId>;

/** The most ids that are held of either kind; beyond that the oldest is forgotten before its time (SPEC LG4). */
export const KNOWN_IDS_MAX = 65_536;

type IdRow = { row: number; at: number; id: string | null; offset: number; until: number | null };

/** The ids in the rows of publications, as far as they may hold; `since`: no id of an earlier publication does. */
export function readKeptIds(sql: SqlStorage, since: number): KnownIds {
  const rows = sql.exec<IdRow>(
    "SELECT offset AS row, at, id, offset, until FROM publications ORDER BY offset DESC LIMIT ?",
    KNOWN_IDS_MAX,
  );
  const found: [string, KnownId][] = [];
  for (const { at, id, until, ...known } of rows) {
    if (at < since) break;
    if (id !== null && until !== null) found.push([id, { ...known, until }]);
  }
  return new Map(found.toReversed());
}

/** The ids without a publication's row. */
export function readOtherIds(sql: SqlStorage): KnownIds {
  const rows = sql.exec<{ row: number; id: string; offset: number; until: number }>(
    "SELECT n AS row, id, offset, until FROM ids ORDER BY n DESC LIMIT ?",
    KNOWN_IDS_MAX,
  );
  return new Map([...rows].toReversed().map(({ id, ...known }) => [id, known] as const));
}

/** The oldest ids, up to the first that still holds. */
export function runOutOf(ids: KnownIds, now: number): [string, KnownId][] {
  const ranOut: [string, KnownId][] = [];
  for (const [id, known] of ids) {
    if (known.until > now) break;
    ranOut.push([id, known]);
  }
  return ranOut;
}

export function remember(ids: KnownIds, id: string, known: KnownId): void {
  // The map is in order of age.
  ids.delete(id);
  ids.set(id, known);
  const [oldest] = ids.keys();
  if (ids.size > KNOWN_IDS_MAX && oldest !== undefined) ids.delete(oldest);
}
