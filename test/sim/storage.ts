import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { bytesOf, PLATFORM } from "./platform-limits.ts";

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
 * The storage of an object: a SQLite database, key-value rows and an alarm. A write is durable at once. It refuses what
 * the platform refuses (SPEC BD70).
 */
export class SimStorage {
  #database: DatabaseSync | undefined;
  readonly #statements = new Map<string, StatementSync>();
  #countChanges: StatementSync | undefined;
  #rows = new Map<string, unknown>();
  #depth = 0;
  alarmAt: number | null = null;
  /** How often the alarm has failed since it was set. */
  alarmFailures = 0;
  /** The world hears here of each value that is refused. */
  onRefused: (what: string) => void = () => undefined;
  /** The world hears here of each alarm that is set. */
  onAlarm: (at: number) => void = () => undefined;

  readonly kv = {
    get: (key: string): unknown => cloneOf(this.#rows.get(key)),
    put: (key: string, value: unknown): void => {
      if (value === undefined) throw new TypeError(`the value of ${key} is undefined`);
      const bytes = key.length + bytesOf(value);
      if (bytes > PLATFORM.valueBytes) {
        this.onRefused(`a value of ${bytes} bytes under ${key}`);
        throw new RangeError(`Values cannot be larger than ${PLATFORM.valueBytes} bytes.`);
      }
      this.#rows.set(key, cloneOf(value));
    },
    delete: (key: string): boolean => this.#rows.delete(key),
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
      return keys.slice(0, limit).map((key) => [key, cloneOf(this.#rows.get(key))]);
    },
  };

  readonly sql = {
    exec: (query: string, ...values: SQLInputValue[]) => {
      const onlyReads = /^\s*SELECT\b/iu.test(query);
      const before = onlyReads ? 0 : this.#changes();
      const rows = this.#queryForObject(query, values);
      const rowsWritten = onlyReads ? 0 : this.#changes() - before;
      const iterator = rows[Symbol.iterator]();
      return {
        // The platform counts the rows of indexes too, and each row that it looks at.
        rowsRead: rows.length,
        rowsWritten,
        toArray: () => [...iterator],
        one: () => {
          if (rows.length !== 1) throw new Error(`the query has ${rows.length} rows, and must have one`);
          return rows[0];
        },
        next: () => iterator.next(),
        raw: () => rows.map((row) => Object.values(row))[Symbol.iterator](),
        columnNames: Object.keys(rows[0] ?? {}),
        [Symbol.iterator]: () => iterator,
      };
    },
  };

  #changes(): number {
    if (this.#database === undefined) return 0;
    this.#countChanges ??= this.#database.prepare("SELECT total_changes() AS n");
    return Number(this.#countChanges.get()?.["n"]);
  }

  #queryForObject(query: string, values: SQLInputValue[]): Record<string, unknown>[] {
    if (/^\s*(?:BEGIN|SAVEPOINT|COMMIT|ROLLBACK|RELEASE)\b/iu.test(query))
      throw new Error("the platform refuses statements of transactions: use transactionSync");
    try {
      return this.query(query, ...values);
    } catch (error) {
      const { message } = error as Error;
      if (/too big|too many|too long|too large/u.test(message)) this.onRefused(`${message}: ${query}`);
      throw error;
    }
  }

  query(query: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    this.#database ??= new DatabaseSync(":memory:", { limits: PLATFORM.sql });
    if (values.length === 0 && query.trim().includes(";\n")) {
      this.#database.exec(query);
      return [];
    }
    let statement = this.#statements.get(query);
    if (statement === undefined) {
      statement = this.#database.prepare(query);
      this.#statements.set(query, statement);
    }
    return statement.all(...values);
  }

  transactionSync<T>(work: () => T): T {
    const rows = new Map(this.#rows);
    const savepoint = `s${this.#depth++}`;
    this.query(`SAVEPOINT ${savepoint}`);
    try {
      const result = work();
      this.query(`RELEASE ${savepoint}`);
      return result;
    } catch (error) {
      this.query(`ROLLBACK TO ${savepoint}`);
      this.query(`RELEASE ${savepoint}`);
      this.#rows = rows;
      throw error;
    } finally {
      this.#depth -= 1;
    }
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
    this.close();
    this.#database = undefined;
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
    const tables = this.#database === undefined ? [] : this.dump().tables;
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
    this.#statements.clear();
    this.#countChanges = undefined;
    this.#database?.close();
  }
}

/** A copy, as the platform makes one by serializing. Copying a text or a number with it costs more than all else. */
const cloneOf = (value: unknown): unknown =>
  typeof value === "object" && value !== null ? structuredClone(value) : value;
