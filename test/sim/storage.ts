import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

export type Dump = {
  readonly kv: Readonly<Record<string, unknown>>;
  readonly tables: readonly {
    readonly name: string;
    readonly sql: string;
    readonly rows: readonly Readonly<Record<string, unknown>>[];
  }[];
};

/** The storage of an object: a SQLite database, key-value rows and an alarm. A write is durable at once. */
export class SimStorage {
  #database: DatabaseSync | undefined;
  readonly #statements = new Map<string, StatementSync>();
  #rows = new Map<string, unknown>();
  #depth = 0;
  alarmAt: number | null = null;
  /** The world hears here of each alarm that is set. */
  onAlarm: (at: number) => void = () => undefined;

  readonly kv = {
    get: (key: string): unknown => structuredClone(this.#rows.get(key)),
    put: (key: string, value: unknown): void => void this.#rows.set(key, structuredClone(value)),
    delete: (key: string): boolean => this.#rows.delete(key),
  };

  readonly sql = {
    exec: (query: string, ...values: SQLInputValue[]) => {
      const rows = this.query(query, ...values);
      return {
        toArray: () => rows,
        one: () => {
          if (rows.length !== 1) throw new Error(`the query has ${rows.length} rows, and must have one`);
          return rows[0];
        },
        [Symbol.iterator]: () => rows[Symbol.iterator](),
      };
    },
  };

  query(query: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    this.#database ??= new DatabaseSync(":memory:");
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

  getAlarm = (): Promise<number | null> => Promise.resolve(this.alarmAt);

  setAlarm = (at: number): Promise<void> => {
    this.alarmAt = at;
    this.onAlarm(at);
    return Promise.resolve();
  };

  deleteAlarm = (): Promise<void> => {
    this.alarmAt = null;
    return Promise.resolve();
  };

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
    this.#database?.close();
  }
}
