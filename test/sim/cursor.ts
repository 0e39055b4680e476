export type Row = Record<string, unknown>;

/** The rows of a query, as the platform gives them: read one after the other, and once. */
export class Cursor {
  /** The platform counts the rows of indexes too, and each row that it looks at. */
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly #rows: readonly Row[];
  #at = 0;

  constructor(rows: readonly Row[], rowsWritten: number) {
    this.#rows = rows;
    this.rowsRead = rows.length;
    this.rowsWritten = rowsWritten;
  }

  /** The rows that nobody has read. */
  toArray(): Row[] {
    const rest = this.#rows.slice(this.#at);
    this.#at = this.#rows.length;
    return rest;
  }

  one(): Row {
    const [row] = this.#rows;
    if (row === undefined || this.#rows.length > 1)
      throw new Error(`the query has ${this.#rows.length} rows, and must have one`);
    return row;
  }

  next(): IteratorResult<Row, undefined> {
    const value = this.#rows[this.#at];
    if (value === undefined) return { value, done: true };
    this.#at += 1;
    return { value, done: false };
  }

  raw(): IterableIterator<unknown[]> {
    return this.#rows.map((row) => Object.values(row))[Symbol.iterator]();
  }

  get columnNames(): string[] {
    return Object.keys(this.#rows[0] ?? {});
  }

  [Symbol.iterator](): this {
    return this;
  }
}
