import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { Row } from "./cursor.ts";
import { PLATFORM } from "./platform-limits.ts";
import { isRepeatable, isScript, tableWritten, wordsOf } from "./queries.ts";

/** How often something has changed. */
type Count = { changes: number };

/** A statement that reads, and the rows that it read last. They hold until one of the tables that it names is written. */
type Reader = {
  readonly statement: StatementSync;
  readonly words: readonly Count[];
  last:
    | { readonly values: readonly SQLInputValue[]; readonly rows: readonly Row[]; readonly at: number }
    | undefined;
};

type Writer = { readonly statement: StatementSync; readonly table: Count };

/** A database in memory, with the statements that were prepared for it. */
export class Database {
  readonly #sqlite = new DatabaseSync(":memory:", { limits: PLATFORM.sql });
  readonly #statements = new Map<string, StatementSync>();
  readonly #readers = new Map<string, Reader>();
  readonly #writers = new Map<string, Writer>();
  /** By a word of a query, which may be a table. */
  readonly #words = new Map<string, Count>();
  /** Changes that any table may have. */
  readonly #all: Count = { changes: 0 };

  /** The rows of a statement that only reads. */
  read(query: string, values: readonly SQLInputValue[]): Row[] {
    const reader = this.#readerOf(query);
    const { statement, last } = reader;
    if (reader.words.length === 0) return statement.all(...values);
    const at = reader.words.reduce((sum, { changes }) => sum + changes, 0);
    if (last?.at === at && values.every((value, n) => value === last.values[n]))
      return last.rows.map((row) => ({ __proto__: null, ...row }));
    const rows = statement.all(...values);
    reader.last = { values, rows: rows.map((row) => ({ __proto__: null, ...row })), at };
    return rows;
  }

  /** Runs a statement that writes and answers nothing. Returns how many rows it has written. */
  write(query: string, values: readonly SQLInputValue[]): number {
    const { statement, table } = this.#writerOf(query);
    table.changes += 1;
    return Number(statement.run(...values).changes);
  }

  /** Runs a statement that writes, and answers with each row that it has written. */
  writeAndRead(query: string, values: readonly SQLInputValue[]): Row[] {
    const { statement, table } = this.#writerOf(query);
    table.changes += 1;
    return statement.all(...values);
  }

  /** Runs a script, or any other statement. */
  run(query: string, values: readonly SQLInputValue[] = []): Row[] {
    this.#all.changes += 1;
    if (values.length > 0 || !isScript(query)) return this.#prepared(query).all(...values);
    this.#sqlite.exec(query);
    return [];
  }

  begin(savepoint: string): void {
    this.#prepared(`SAVEPOINT ${savepoint}`).run();
  }

  release(savepoint: string): void {
    this.#prepared(`RELEASE ${savepoint}`).run();
  }

  /** How many rows were ever written. */
  get changes(): number {
    return Number(this.#prepared("SELECT total_changes() AS n").get()?.["n"]);
  }

  get pages(): number {
    return Number(this.#prepared("PRAGMA page_count").get()?.["page_count"]);
  }

  /** Tables and indexes by name, each with its statement; without those that SQLite makes for itself. */
  get tables(): [name: string, sql: string][] {
    const query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'";
    return this.#prepared(query)
      .all()
      .map(({ name, sql }) => [String(name), String(sql)]);
  }

  /** Removes every row, and the numbers that were given to rows. */
  clear(): void {
    const tables = this.#prepared("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    for (const { name } of tables) this.#prepared(`DELETE FROM "${String(name)}"`).run();
    this.#all.changes += 1;
    for (const reader of this.#readers.values()) reader.last = undefined;
  }

  close(): void {
    this.#sqlite.close();
  }

  #prepared(query: string): StatementSync {
    const known = this.#statements.get(query);
    if (known !== undefined) return known;
    const statement = this.#sqlite.prepare(query);
    this.#statements.set(query, statement);
    return statement;
  }

  #readerOf(query: string): Reader {
    const known = this.#readers.get(query);
    if (known !== undefined) return known;
    const words = isRepeatable(query)
      ? [this.#all, ...wordsOf(query).map((word) => this.#countOf(word))]
      : [];
    const reader = { statement: this.#sqlite.prepare(query), words, last: undefined };
    this.#readers.set(query, reader);
    return reader;
  }

  #writerOf(query: string): Writer {
    const known = this.#writers.get(query);
    if (known !== undefined) return known;
    const written = tableWritten(query);
    const table = written === undefined ? this.#all : this.#countOf(written);
    const writer = { statement: this.#sqlite.prepare(query), table };
    this.#writers.set(query, writer);
    return writer;
  }

  #countOf(word: string): Count {
    const count = this.#words.get(word) ?? { changes: 0 };
    this.#words.set(word, count);
    return count;
  }
}
