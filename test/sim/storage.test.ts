import fc from "fast-check";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { clone } from "./clone.ts";
import { SimStorage } from "./storage.ts";
import { toyWorld } from "./toy-world.ts";

const SCHEMAS = [
  "CREATE TABLE a (n INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT)",
  "CREATE TABLE IF NOT EXISTS b (id TEXT PRIMARY KEY, n INTEGER)",
  "CREATE TABLE b (id TEXT PRIMARY KEY, n INTEGER)",
  "ALTER TABLE b ADD COLUMN more TEXT",
  "DROP TABLE IF EXISTS a;\n CREATE TABLE a (n INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT);",
  "CREATE TABLE c (n INTEGER); INSERT INTO c VALUES (7);\n",
  "DROP TABLE b",
];
const QUERIES = [
  "INSERT INTO a (text) VALUES (?)",
  "INSERT INTO a (text) VALUES (?) RETURNING n",
  "INSERT OR REPLACE INTO b (id, n) VALUES (?, 1)",
  "UPDATE b SET n = n + 1 WHERE id <> ?",
  "DELETE FROM a WHERE text = ?",
  "DELETE FROM b WHERE id < ? RETURNING id",
  "SELECT * FROM a WHERE text >= ?",
  "SELECT COUNT(*) AS n, (SELECT MAX(n) FROM b) AS most FROM a WHERE text <> ?",
  "SELECT * FROM b WHERE id >= ? ORDER BY n, id",
  "SELECT name FROM sqlite_master WHERE name = ?",
];

type Step =
  | { readonly kind: "exec"; readonly query: string; readonly values: readonly string[] }
  | { readonly kind: "transaction"; readonly steps: readonly Step[]; readonly fails: boolean }
  | { readonly kind: "deleteAll" };

const schema = fc.constantFrom(...SCHEMAS).map((query): Step => ({ kind: "exec", query, values: [] }));
const query = fc
  .tuple(fc.constantFrom(...QUERIES), fc.constantFrom("a", "b", "c"))
  .map(([text, value]): Step => ({ kind: "exec", query: text, values: [value] }));
const { step } = fc.letrec<{ step: Step }>((tie) => ({
  step: fc.oneof(
    { maxDepth: 3 },
    { weight: 8, arbitrary: query },
    { weight: 4, arbitrary: schema },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("transaction" as const),
        steps: fc.array(tie("step"), { maxLength: 6 }),
        fails: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.constant<Step>({ kind: "deleteAll" }) },
  ),
}));

/** A storage without a stand-in's shortcuts: one database, which every statement asks. */
class PlainStorage {
  #database = new DatabaseSync(":memory:");
  #depth = 0;

  exec(text: string, values: readonly string[]): unknown {
    const before = this.#changes;
    if (text.includes(";")) this.#database.exec(text);
    const rows = text.includes(";") ? [] : this.#database.prepare(text).all(...values);
    const isRead = text.startsWith("SELECT");
    return { rows, rowsRead: rows.length, rowsWritten: isRead ? 0 : this.#changes - before };
  }

  transactionSync(work: () => void): void {
    this.#depth += 1;
    const name = `p${this.#depth}`;
    this.#database.exec(`SAVEPOINT ${name}`);
    try {
      work();
      this.#database.exec(`RELEASE ${name}`);
    } catch (error) {
      this.#database.exec(`ROLLBACK TO ${name}; RELEASE ${name};`);
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  deleteAll(): void {
    this.#database.close();
    this.#database = new DatabaseSync(":memory:");
  }

  get #changes(): number {
    return Number(this.#database.prepare("SELECT total_changes() AS n").get()?.["n"]);
  }
}

type Storage = {
  exec(text: string, values: readonly string[]): unknown;
  transactionSync(work: () => void): void;
  deleteAll(): void;
};

const ofSimulator = (storage: SimStorage): Storage => ({
  exec: (text, values) => {
    const cursor = storage.sql.exec(text, ...values);
    const { rowsRead, rowsWritten } = cursor;
    return { rows: cursor.toArray(), rowsRead, rowsWritten };
  },
  transactionSync: (work) => storage.transactionSync(work),
  deleteAll: () => void storage.deleteAll(),
});

/** What the steps answer, and what the storage has in the end. */
function run(storage: Storage, steps: readonly Step[]): unknown[] {
  const answers: unknown[] = [];
  const look = (text: string): void => {
    try {
      answers.push(storage.exec(text, []));
    } catch (error) {
      answers.push((error as Error).message);
    }
  };
  const take = (one: Step, depth: number): void => {
    if (one.kind === "exec") answers.push(storage.exec(one.query, one.values));
    // Nobody deletes a storage within a transaction.
    else if (one.kind === "deleteAll" && depth === 0) storage.deleteAll();
    else if (one.kind === "transaction")
      storage.transactionSync(() => {
        takeAll(one.steps, depth + 1);
        if (one.fails) throw new Error("it fails");
      });
  };
  const takeAll = (all: readonly Step[], depth: number): void => {
    for (const one of all) {
      try {
        take(one, depth);
      } catch (error) {
        answers.push((error as Error).message);
        if (depth > 0 && one.kind === "exec") throw error;
      }
    }
  };
  takeAll(steps, 0);
  look("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name");
  for (const table of ["a", "b", "c"]) look(`SELECT * FROM ${table}`);
  return answers;
}

describe("[SM4] the storage of the stand-in", () => {
  test("answers as a database of its own does, whatever the storages before have left", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 40, size: "max" }), (steps) => {
        const [storage, plain] = [new SimStorage(), new PlainStorage()];
        try {
          expect(run(ofSimulator(storage), steps)).toEqual(run(plain, steps));
        } finally {
          storage.close();
        }
      }),
      { numRuns: 300 },
    );
  });

  test("gives rows that its reader may change", () => {
    const storage = new SimStorage();
    storage.query("CREATE TABLE a (n INTEGER)");
    storage.query("INSERT INTO a VALUES (1)");
    for (let n = 0; n < 3; n++) {
      const [row] = storage.query("SELECT n FROM a");
      expect(row).toEqual({ n: 1 });
      Object.assign(row ?? {}, { n: 2 });
    }
  });
});

describe("[SM5] a value that is sent or stored", () => {
  const copied = (copy: (value: unknown) => unknown, value: unknown): unknown => {
    try {
      return { copy: copy(value) };
    } catch (error) {
      return (error as Error).name;
    }
  };

  test("is copied, or refused, as structuredClone does it", () => {
    const kinds = {
      withMap: true,
      withSet: true,
      withDate: true,
      withBigInt: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
    };
    fc.assert(
      fc.property(fc.anything(kinds), (value) => {
        expect(copied(clone, value)).toStrictEqual(copied(structuredClone, value));
      }),
    );
  });

  test.each([
    ["a function", { a: [() => 1] }],
    ["a symbol", new Map([["a", Symbol("a")]])],
    ["a stub", { stub: toyWorld({}).stub("SHARD a") }],
    ["a promise", [Promise.resolve()]],
  ])("is refused where it is %s", (_, value) => {
    expect(() => clone(value)).toThrow("could not be cloned");
  });

  test("shares nothing with its copy, which has its shape", () => {
    const shared = { n: 1 };
    const round: Record<string, unknown> = { shared, again: shared };
    round["self"] = round;
    const many = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? shared : { n }));
    const copy = clone({ round, many, map: new Map([[shared, shared]]) });
    expect(copy.round["self"]).toBe(copy.round);
    expect(copy.round["again"]).toBe(copy.round["shared"]);
    expect(copy.many[38]).toBe(copy.round["shared"]);
    expect(copy.map.get(copy.many[0] as { n: number })).toBe(copy.many[0]);
    expect(copy.many[0]).not.toBe(shared);
    expect(Object.keys(clone(JSON.parse('{"__proto__": 1}') as object))).toEqual(["__proto__"]);
    expect(clone(Object.assign([1], { more: 2 }))).toEqual(Object.assign([1], { more: 2 }));
  });
});
