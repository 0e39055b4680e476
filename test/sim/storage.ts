import type { SQLInputValue } from "node:sqlite";
import { clone } from "./clone.ts";
import { Cursor, type Row } from "./cursor.ts";
import type { Database } from "./database.ts";
import { EMPTY_SCHEMA, openDatabase, releaseDatabase, type Schema } from "./databases.ts";
import { bytesOf, bytesOver, PLATFORM } from "./platform-limits.ts";
import { kindOf } from "./queries.ts";

type ListOptions = {
  readonly prefix?: string;
  readonly start?: string;
  readonly startAfter?: string;
  readonly end?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
};

export type Dump = {
  readonly kv: Readonly<Record<string, unknown>>;
  readonly tables: readonly {
    readonly name: string;
    readonly sql: string;
    readonly rows: readonly Readonly<Record<string, unknown>>[];
  }[];
};

/**
 * The storage as it was when a transaction began. `rows`: undefined until the transaction writes one. `begun`: the
 * savepoint of SQLite to go back to; transactions between whose beginnings nothing was written have one together.
 */
type Savepoint = {
  readonly schema: Schema | undefined;
  readonly database: Database | undefined;
  rows: Map<string, unknown> | undefined;
  begun: { readonly name: string } | undefined;
};

/** The fault, as it is counted. */
export const FAILED_WRITE = "write that failed";
const FULL = "database or disk is full: SQLITE_FULL";

/** Whether a write has failed because it was to fail: no fault of the object. */
export const isFailedWrite = (error: unknown): boolean => String(error).includes(FULL);

/**
 * The storage of an object: a SQLite database, key-value rows and an alarm. A write is durable at once. It refuses what
 * the platform refuses (SPEC BD70).
 */
export class SimStorage {
  #database: Database | undefined;
  /** The schema with which the database was opened. */
  #opened: Schema = EMPTY_SCHEMA;
  /** Undefined where a statement has run whose schema is not known. */
  #schema: Schema | undefined = EMPTY_SCHEMA;
  /** The transactions that are under way, the outermost first. */
  readonly #savepoints: Savepoint[] = [];
  #rows = new Map<string, unknown>();
  /** How many rows of tables were ever written. */
  rowsWritten = 0;
  alarmAt: number | null = null;
  /** How often the alarm has failed since it was set. */
  alarmFailures = 0;
  /** So many writes from now on one fails, and the object lives on; undefined: none does. */
  failsAfter: number | undefined;
  /** The world hears here of each value that is refused. */
  onRefused: (what: string) => void = () => undefined;
  /** The world hears here of each alarm that is set. */
  onAlarm: (at: number) => void = () => undefined;

  readonly kv = {
    get: (key: string): unknown => clone(this.#rows.get(key)),
    put: (key: string, value: unknown): void => {
      if (value === undefined) throw new TypeError(`the value of ${key} is undefined`);
      const bytes = bytesOver(value, PLATFORM.valueBytes - key.length);
      if (bytes !== undefined) {
        this.onRefused(`a value of ${key.length + bytes} bytes under ${key}`);
        throw new RangeError(`Values cannot be larger than ${PLATFORM.valueBytes} bytes.`);
      }
      this.#mayFail();
      this.#keepRows();
      this.#rows.set(key, clone(value));
    },
    delete: (key: string): boolean => {
      this.#mayFail();
      this.#keepRows();
      return this.#rows.delete(key);
    },
    /** In the order of the keys, as they are when the list is asked for. */
    list: (options: ListOptions = {}): Iterable<[string, unknown]> => {
      const { prefix = "", start, startAfter, end, reverse = false, limit = Infinity } = options;
      const keys = [...this.#rows.keys()].filter(
        (key) =>
          key.startsWith(prefix) &&
          (start === undefined || key >= start) &&
          (startAfter === undefined || key > startAfter) &&
          (end === undefined || key < end),
      );
      keys.sort((a, b) => (a < b ? -1 : 1) * (reverse ? -1 : 1));
      return keys.slice(0, limit).map((key) => [key, clone(this.#rows.get(key))]);
    },
  };

  readonly sql = {
    exec: (query: string, ...values: SQLInputValue[]): Cursor => {
      if (kindOf(query) === "transaction")
        throw new Error("the platform refuses statements of transactions: use transactionSync");
      try {
        const cursor = this.#run(query, values);
        this.rowsWritten += cursor.rowsWritten;
        return cursor;
      } catch (error) {
        const { message } = error as Error;
        if (/too big|too many|too long|too large/u.test(message)) this.onRefused(`${message}: ${query}`);
        throw error;
      }
    },
  };

  #mayFail(): void {
    if (this.failsAfter === undefined) return;
    this.failsAfter -= 1;
    if (this.failsAfter >= 0) return;
    this.failsAfter = undefined;
    throw new Error(FULL);
  }

  query(query: string, ...values: SQLInputValue[]): Row[] {
    return this.#run(query, values).toArray();
  }

  #run(query: string, values: readonly SQLInputValue[]): Cursor {
    const kind = kindOf(query);
    if (kind === "read") return new Cursor(this.#open().read(query, values), 0);
    this.#mayFail();
    if (kind === "schema" && values.length === 0) return new Cursor([], this.#changeSchema(query));
    const database = this.#open();
    this.#beginSavepoints(database);
    if (kind === "write") return new Cursor([], database.write(query, values));
    if (kind === "writeAndRead") {
      const rows = database.writeAndRead(query, values);
      return new Cursor(rows, rows.length);
    }
    this.#schema = undefined;
    const before = database.changes;
    const rows = database.run(query, values);
    return new Cursor(rows, database.changes - before);
  }

  /** Runs a statement that changes the schema, unless it is known which schema it makes. Returns the rows it writes. */
  #changeSchema(statement: string): number {
    const known = this.#schema?.after(statement);
    if (known !== undefined && known === this.#schema) return 0;
    if (this.#database === undefined && known?.proof.isProven === true) {
      this.#schema = known;
      return 0;
    }
    const database = this.#open();
    this.#beginSavepoints(database);
    const schema = this.#schema;
    // A statement that fails may have made a part of its changes.
    this.#schema = undefined;
    const before = database.changes;
    database.run(statement);
    this.#schema = schema?.add(statement);
    return database.changes - before;
  }

  /** The database, which is opened where it is first needed. */
  #open(): Database {
    if (this.#database !== undefined) return this.#database;
    // Before the first statement runs, the schema is known.
    this.#opened = this.#schema ?? EMPTY_SCHEMA;
    this.#database = openDatabase(this.#opened);
    return this.#database;
  }

  #release(): void {
    if (this.#database !== undefined) releaseDatabase(this.#database, this.#opened, this.#schema);
    this.#database = undefined;
    this.#schema = EMPTY_SCHEMA;
  }

  transactionSync<T>(work: () => T): T {
    const outer = this.#savepoints.at(-1);
    const savepoint: Savepoint = {
      schema: this.#schema,
      database: this.#database,
      rows: undefined,
      begun: undefined,
    };
    this.#savepoints.push(savepoint);
    try {
      const result = work();
      const { begun } = savepoint;
      if (begun !== undefined && begun !== outer?.begun) this.#database?.release(begun.name);
      return result;
    } catch (error) {
      this.#rollBack(savepoint, outer);
      throw error;
    } finally {
      this.#savepoints.pop();
    }
  }

  /** Savepoints begin at the first statement that writes. */
  #beginSavepoints(database: Database): void {
    const last = this.#savepoints.at(-1);
    if (last === undefined || last.begun !== undefined) return;
    const begun = { name: `s${this.#savepoints.length}` };
    database.begin(begun.name);
    for (const savepoint of this.#savepoints) savepoint.begun ??= begun;
  }

  #rollBack({ schema, database, rows, begun }: Savepoint, outer: Savepoint | undefined): void {
    if (begun !== undefined) {
      this.#database?.run(`ROLLBACK TO ${begun.name}`);
      if (begun !== outer?.begun) this.#database?.release(begun.name);
    }
    // The database was opened since, perhaps with tables that the storage had not before.
    if (database === undefined && this.#database !== undefined) {
      this.#database.close();
      this.#database = undefined;
      for (const one of this.#savepoints) one.begun = undefined;
    }
    this.#schema = schema;
    if (rows !== undefined) this.#rows = rows;
  }

  /** A savepoint keeps the key-value rows as they were before the first that is written. */
  #keepRows(): void {
    for (const savepoint of this.#savepoints) savepoint.rows ??= new Map(this.#rows);
  }

  /** The storage as the platform gives it to one life, which may put functions of its own in the place of these. */
  ofLife() {
    const { kv, sql, getAlarm, setAlarm, deleteAlarm, deleteAll, sync } = this;
    const transactionSync = <T>(work: () => T): T => this.transactionSync(work);
    return {
      kv: { ...kv },
      sql: { ...sql },
      transactionSync,
      getAlarm,
      setAlarm,
      deleteAlarm,
      deleteAll,
      sync,
    };
  }

  getAlarm = (): Promise<number | null> => Promise.resolve(this.alarmAt);

  /** Throws for a date that the platform cannot keep. */
  setAlarm = (date: number | Date): Promise<void> => {
    const at = Number(date);
    if (!Number.isFinite(at) || at <= 0 || at > PLATFORM.latestDate) {
      this.onRefused(`an alarm at ${at}`);
      throw new TypeError("setAlarm() cannot be called with this date");
    }
    this.alarmAt = at;
    this.alarmFailures = 0;
    this.onAlarm(at);
    return Promise.resolve();
  };

  deleteAlarm = (): Promise<void> => {
    this.alarmAt = null;
    return Promise.resolve();
  };

  /** Forgets the rows, the tables and the alarm. */
  deleteAll = (): Promise<void> => {
    this.#rows.clear();
    this.#release();
    return this.deleteAlarm();
  };

  sync = (): Promise<void> => Promise.resolve();

  /** Notes that the alarm has failed, and sets it again. False where the platform gives it up. */
  repeatAlarm(now: number): boolean {
    const failures = this.alarmFailures + 1;
    if (failures > PLATFORM.alarmRetries) return false;
    const at = now + PLATFORM.alarmRetryMs * 2 ** (failures - 1);
    this.alarmAt = at;
    this.alarmFailures = failures;
    this.onAlarm(at);
    return true;
  }

  /** How many rows are stored, and about how many bytes they have. */
  size(): { readonly rows: number; readonly bytes: number; readonly tables: number } {
    let rows = this.#rows.size;
    let bytes = 0;
    for (const [key, value] of this.#rows) bytes += key.length + bytesOf(value);
    const hasTables = this.#database !== undefined || this.#schema !== EMPTY_SCHEMA;
    const tables = hasTables ? this.dump().tables : [];
    for (const table of tables) {
      rows += table.rows.length;
      for (const row of table.rows) bytes += bytesOf(row);
    }
    return { rows, bytes, tables: tables.length };
  }

  /** Everything that is stored: the key-value rows, and each table with the statement that makes it. */
  dump(): Dump {
    const tables = this.query(
      "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    ) as { name: string; sql: string }[];
    return {
      kv: Object.fromEntries([...this.#rows].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      tables: tables.map(({ name, sql }) => ({ name, sql, rows: this.query(`SELECT * FROM ${name}`) })),
    };
  }

  /** Stores what another storage has dumped. MUST be called while the storage is empty. */
  load({ kv, tables }: Dump): void {
    for (const [key, value] of Object.entries(kv)) this.kv.put(key, value);
    this.query(["BEGIN", ...tables.map(({ sql }) => sql)].join(";\n"));
    for (const { name, rows } of tables) {
      for (const row of rows) {
        const columns = Object.keys(row);
        this.query(
          `INSERT INTO ${name} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
          ...(Object.values(row) as SQLInputValue[]),
        );
      }
    }
    this.query("COMMIT;\n");
  }

  close(): void {
    this.#release();
  }
}
