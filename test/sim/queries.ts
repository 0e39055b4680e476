/** `other`: a script, or a statement that may leave a schema which its text does not tell. */
export type QueryKind = "read" | "write" | "writeAndRead" | "schema" | "transaction" | "other";

/** The present texts are a few hundred. */
const KINDS_MOST = 10_000;
const kinds = new Map<string, QueryKind>();

export function kindOf(query: string): QueryKind {
  const known = kinds.get(query);
  if (known !== undefined) return known;
  const kind = readKind(query);
  if (kinds.size >= KINDS_MOST) kinds.clear();
  kinds.set(query, kind);
  return kind;
}

function readKind(query: string): QueryKind {
  const word = /^\s*(\w+)/u.exec(query)?.[1]?.toUpperCase() ?? "";
  if (/^(?:BEGIN|SAVEPOINT|COMMIT|ROLLBACK|RELEASE|END)$/u.test(word)) return "transaction";
  if (/^(?:CREATE|ALTER|DROP)$/u.test(word)) return "schema";
  if (isScript(query)) return "other";
  if (word === "SELECT") return "read";
  if (!/^(?:INSERT|REPLACE|UPDATE|DELETE)$/u.test(word)) return "other";
  return /\bRETURNING\b/iu.test(query) ? "writeAndRead" : "write";
}

/** Several statements. */
export const isScript = (query: string): boolean => /;\s*\S/u.test(query.replaceAll(/'[^']*'/gu, "''"));

/** The words of a query in lower case, among which its tables are. */
export const wordsOf = (query: string): string[] => [...new Set(query.toLowerCase().match(/\w+/gu))];

/** A query of the same rows has the same answer: it asks for no chance, no time, and nothing that SQLite keeps itself. */
export const isRepeatable = (query: string): boolean =>
  !/random|changes|last_insert|date|time|julianday|strftime|unixepoch|current_|sqlite_|pragma_/iu.test(query);

/** The table that a statement writes, in lower case; undefined where its text does not tell. */
export const tableWritten = (query: string): string | undefined =>
  /^\s*(?:(?:INSERT|REPLACE)(?:\s+OR\s+\w+)?\s+INTO|UPDATE|DELETE\s+FROM)\s+(\w+)/iu
    .exec(query)?.[1]
    ?.toLowerCase();

/** A statement that does nothing where its table or index exists, whatever the rows are. */
export const isMadeOnce = (statement: string): boolean =>
  !isScript(statement) &&
  /^\s*CREATE\s+(?:UNIQUE\s+)?(?:TABLE|INDEX)\s+IF\s+NOT\s+EXISTS\b/iu.test(statement);
