import { NO_USAGE, type Usage, type UsageField } from "../contracts/usage.ts";

/** The ways into an object that are no calls. The platform counts the end of a socket as nothing. */
const WAYS: Readonly<Record<string, UsageField | undefined>> = {
  fetch: "upgrades",
  alarm: "alarms",
  webSocketMessage: "frames",
  webSocketClose: undefined,
  webSocketError: undefined,
};

type Method = (this: object, ...values: unknown[]) => unknown;
type Cursor = { readonly rowsRead: number; readonly rowsWritten: number };

const meters = new WeakMap<object, UsageMeter>();

/**
 * Counts what one object uses in this life, as the platform would bill it (SPEC EL50). The rows of a query are the
 * figures of its cursor; a key that is read, written or deleted is a row, and so is a set alarm (docs/platform.md P42).
 *
 * MUST be made before the object looks at its storage.
 */
export class UsageMeter {
  #used: Record<UsageField, number> = { ...NO_USAGE };
  /** The figures of a cursor grow while it is read. */
  #cursor: Cursor = { rowsRead: 0, rowsWritten: 0 };
  /** The figures of the cursor that are counted already. */
  #counted: Cursor = this.#cursor;
  #active = 0;
  #activeSince = 0;

  constructor(object: object, ctx: DurableObjectState) {
    meters.set(object, this);
    this.#countRows(ctx.storage);
    const waitUntil = ctx.waitUntil.bind(ctx);
    ctx.waitUntil = (promise: Promise<unknown>) => {
      void this.#time(promise);
      waitUntil(promise);
    };
  }

  static of(object: object): UsageMeter {
    const meter = meters.get(object);
    if (meter === undefined) throw new Error("an object makes its meter first");
    return meter;
  }

  /** Runs the work of one way into the object. */
  enter(method: string, work: () => unknown): unknown {
    const field = method in WAYS ? WAYS[method] : "calls";
    if (field !== undefined) this.#used[field] += 1;
    const result = work();
    if (result instanceof Promise) void this.#time(result);
    return result;
  }

  /** The usage since the call before, and begins anew. */
  take(now: number): Usage {
    this.#settle();
    if (this.#active > 0) {
      this.#used.awakeMs += now - this.#activeSince;
      this.#activeSince = now;
    }
    const used = this.#used;
    this.#used = { ...NO_USAGE };
    return used;
  }

  /** Times of several promises at once count once. */
  async #time(promise: Promise<unknown>): Promise<void> {
    if (this.#active === 0) this.#activeSince = Date.now();
    this.#active += 1;
    try {
      await promise;
    } catch {
      // The caller hears of it.
    }
    this.#active -= 1;
    if (this.#active === 0) this.#used.awakeMs += Date.now() - this.#activeSince;
  }

  #settle(): void {
    const { rowsRead, rowsWritten } = this.#cursor;
    this.#used.rowsRead += rowsRead - this.#counted.rowsRead;
    this.#used.rowsWritten += rowsWritten - this.#counted.rowsWritten;
    this.#counted = { rowsRead, rowsWritten };
  }

  #countRows(storage: DurableObjectStorage): void {
    const { sql, kv } = storage;
    const exec = sql.exec.bind(sql);
    sql.exec = <T extends Record<string, SqlStorageValue>>(query: string, ...values: unknown[]) => {
      const cursor = exec<T>(query, ...values);
      this.#settle();
      this.#cursor = cursor;
      this.#counted = { rowsRead: 0, rowsWritten: 0 };
      return cursor;
    };
    const read = (rows: number): void => void (this.#used.rowsRead += rows);
    const wrote = (): void => void (this.#used.rowsWritten += 1);
    const [get, put, remove, list] = [kv.get.bind(kv), kv.put.bind(kv), kv.delete.bind(kv), kv.list.bind(kv)];
    kv.get = (key) => {
      read(1);
      return get(key);
    };
    kv.put = (key, value) => {
      put(key, value);
      wrote();
    };
    kv.delete = (key) => {
      wrote();
      return remove(key);
    };
    kv.list = function* <T>(options?: SyncKvListOptions): Iterable<[string, T]> {
      for (const entry of list<T>(options)) {
        read(1);
        yield entry;
      }
    };
    const setAlarm = storage.setAlarm.bind(storage);
    storage.setAlarm = (at, options) => {
      wrote();
      return setAlarm(at, options);
    };
  }
}

/** Has the meter of each object of a class count every way into the object, so that no new method is forgotten. */
export function countEntries({ prototype }: { readonly prototype: object }): void {
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name === "constructor" || typeof property.value !== "function") continue;
    const method = property.value as Method;
    const counted: Method = function counted(...values) {
      return UsageMeter.of(this).enter(name, () => Reflect.apply(method, this, values));
    };
    Object.defineProperty(prototype, name, { ...property, value: counted });
  }
}
