import { Database } from "./database.ts";
import { isMadeOnce } from "./queries.ts";

/** So many databases of one schema wait for the next storage. */
const FREE_MOST = 64;
/** A database that has grown over so many pages of 4 KiB is closed: its pages would stay in memory. */
const PAGES_MOST = 512;

/**
 * A schema, as the statements that make it from an empty database. The same statements make the same schema, so a
 * database that a storage has left serves the next one with this schema, without its rows.
 */
export class Schema {
  readonly statements: readonly string[];
  /** The schema before the last statement. */
  readonly before: Schema | undefined;
  readonly proof: Proof;
  readonly #next = new Map<string, Schema>();
  /** Databases of this schema without rows. */
  readonly free: Database[] = [];

  constructor(before?: Schema, statement = "") {
    this.before = before;
    this.statements = before === undefined ? [] : [...before.statements, statement];
    this.proof = before === undefined ? NOTHING : prove(before.statements, statement);
  }

  /** The schema after one more statement. It is known once the statement has run. */
  after(statement: string): Schema | undefined {
    return this.#next.get(statement);
  }

  add(statement: string): Schema {
    const known = this.#next.get(statement);
    if (known !== undefined) return known;
    const added = new Schema(this, statement);
    const next = added.proof.isProven && added.proof.changesNothing ? this : added;
    this.#next.set(statement, next);
    return next;
  }
}

/**
 * How the last statement does on a database without rows. `isProven`: it runs, and makes no row, so it need not run
 * where it ran before. `changesNothing`: it makes what there is already, so it need not run at all. `made`: the table
 * that it makes, if it changes nothing else.
 */
type Proof = {
  readonly isProven: boolean;
  readonly changesNothing: boolean;
  readonly made?: string | undefined;
};

const NOTHING: Proof = { isProven: true, changesNothing: true };

function prove(before: readonly string[], statement: string): Proof {
  const database = new Database();
  try {
    for (const one of before) database.run(one);
    const tables = new Map(database.tables);
    database.run(statement);
    const changed = database.tables.filter(([name, sql]) => tables.get(name) !== sql);
    const isLess = database.tables.length < tables.size + changed.length;
    const made = !isLess && changed.length === 1 ? changed[0]?.[0] : undefined;
    const changesNothing = isMadeOnce(statement) && !isLess && changed.length === 0;
    return { isProven: database.changes === 0, changesNothing, made };
  } catch {
    return { isProven: false, changesNothing: false };
  } finally {
    database.close();
  }
}

/** The schema of a database without statements. */
export const EMPTY_SCHEMA = new Schema();

/** A database of this schema without rows. */
export function openDatabase(schema: Schema): Database {
  const free = schema.free.pop();
  if (free !== undefined) return free;
  const database = new Database();
  for (const statement of schema.statements) database.run(statement);
  return database;
}

/**
 * Takes back a database that was opened with the schema `opened`, and has the schema `schema`; undefined where that is
 * not known. Tables that were made since go, as the next storage opens it with the same schema.
 */
export function releaseDatabase(database: Database, opened: Schema, schema: Schema | undefined): void {
  if (schema?.proof.isProven !== true || database.pages > PAGES_MOST) return database.close();
  database.clear();
  let present = schema;
  while (present !== opened && present.before !== undefined && present.proof.made !== undefined) {
    database.run(`DROP TABLE ${present.proof.made}`);
    present = present.before;
  }
  if (present.free.length < FREE_MOST) present.free.push(database);
  else database.close();
}
