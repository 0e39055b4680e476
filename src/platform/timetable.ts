import { fromRuntime, toRuntime } from "./clock.ts";
import { logError } from "./logger.ts";

/** After a duty or a write that threw: soon, but no hot loop. */
const RETRY_MS = 2_000;
/** Between two attempts to store what could not be stored: storage that is full may stay so. */
const RETRY_LAST_MS = 60_000;
/** The runtime refuses an alarm after the year 2189 (docs/platform.md P19). */
const LATEST = Date.UTC(2100, 0, 1);

type Entries<Name extends string> = Partial<Record<Name, number>>;

/**
 * Counts that are kept in the row of a timetable: a row of their own would cost as much as what they count
 * (SPEC EL53). The names are the owner's.
 */
export type KeptCounts = {
  /** Once, at the first look of a life: what the lives before have kept. */
  recall(counts: Readonly<Record<string, number>>): void;
  /** The counts as they will be once so many rows are written, which is about to happen. */
  counts(rows: number, now: number): Readonly<Record<string, number>>;
};

/** A name that begins so has a count. Release 0.2.0 takes it for an appointment in another century. */
const COUNT = "#";
const COUNTS_FROM = LATEST;
/** The runtime would still take the sum for an alarm. */
const COUNT_MOST = 2_700_000_000_000;

/**
 * Several appointments over the one alarm that an object has.
 *
 * Kept in one stored row, so that a sleep or a crash forgets none: an appointment leaves the row only after its
 * duty has run, and the runtime repeats an alarm that failed. The runtime gives an alarm up after six failures, so
 * each life of the object compares the row with the alarm (SPEC BD50). MUST be the only user of the object's alarm.
 */
export class Timetable<Name extends string> {
  readonly #storage: DurableObjectStorage;
  readonly #kept: KeptCounts | undefined;
  #entries: Entries<Name> | undefined;
  /** The alarm of the object: undefined until this life has seen or set it, null where there is none. */
  #alarm: number | null | undefined;
  /** Appointments made for a duty while it runs. */
  readonly #meanwhile = new Map<Name, number>();
  readonly #running = new Set<Name>();
  /** Appointments that could not be stored, or whose alarm could not be set. A timer makes them. */
  readonly #owed = new Map<Name, number>();
  #payAfterMs = RETRY_MS;

  constructor(storage: DurableObjectStorage, kept?: KeptCounts) {
    this.#storage = storage;
    this.#kept = kept;
  }

  /** Sets an alarm that was lost again, once in each life of the object. Does not reject. */
  async wake(): Promise<void> {
    if (earliest(this.#read()) === undefined) return;
    try {
      const alarm = await this.#storage.getAlarm();
      // A run or an appointment has settled it meanwhile; inside its handler an alarm reads as none.
      if (this.#alarm !== undefined) return;
      this.#alarm = alarm === null ? null : fromRuntime(alarm);
      await this.#setAlarm();
    } catch (error) {
      logError("the alarm could not be compared with the timetable", { error });
    }
  }

  get isEmpty(): boolean {
    return Object.keys(this.#read()).length === 0;
  }

  /** When `name` is due, in ms since 1970; undefined if it is not. */
  at(name: Name): number | undefined {
    return this.#read()[name];
  }

  /**
   * Whether `name` has an appointment at `at` or before, besides the one that it runs for just now. A caller that asks
   * often saves the promise of `arm`.
   */
  isArmed(name: Name, at: number): boolean {
    const present = this.#running.has(name) ? this.#meanwhile.get(name) : this.at(name);
    return present !== undefined && present <= toAlarm(at);
  }

  /** Makes an appointment, or moves it to an earlier time. Where that rejects, it is tried again in this life. */
  async arm(name: Name, at: number): Promise<void> {
    const time = toAlarm(at);
    try {
      if (!this.isArmed(name, time)) await this.set(name, time);
    } catch (error) {
      this.#owe(name, time);
      throw error;
    }
  }

  /** Makes an appointment, or moves it to an earlier or a later time; `undefined` ends it. */
  async set(name: Name, at: number | undefined): Promise<void> {
    const time = at === undefined ? undefined : toAlarm(at);
    if (this.#running.has(name)) {
      if (time === undefined) this.#meanwhile.delete(name);
      else this.#meanwhile.set(name, time);
      return;
    }
    if (this.at(name) !== time) await this.#write(withEntry(this.#read(), name, time));
  }

  /** Runs what is due by `now`, each duty once; a duty answers with its next time, if it has one. */
  async run(now: number, duty: (name: Name, dueAt: number) => Promise<number | undefined>): Promise<void> {
    // The alarm that runs has left the storage.
    this.#alarm = null;
    const before = this.#read();
    const due = (Object.keys(before) as Name[]).filter(
      (name) => (before[name] ?? Infinity) <= now && !this.#running.has(name),
    );
    const next = new Map<Name, number | undefined>();
    for (const name of due) this.#running.add(name);
    for (const name of due) {
      try {
        next.set(name, await duty(name, before[name] ?? now));
      } catch (error) {
        logError("a duty of the alarm failed and is tried again", { duty: name, error });
        next.set(name, now + RETRY_MS);
      }
    }
    let entries = this.#read();
    for (const name of due) {
      const at = Math.min(next.get(name) ?? Infinity, this.#meanwhile.get(name) ?? Infinity);
      this.#running.delete(name);
      this.#meanwhile.delete(name);
      entries = withEntry(entries, name, at === Infinity ? undefined : toAlarm(at));
    }
    try {
      await this.#write(entries);
    } catch (error) {
      // The runtime repeats an alarm that failed six times at most, and this life may be longer.
      for (const name of Object.keys(before) as Name[]) this.#owe(name, before[name] ?? now);
      throw error;
    }
  }

  #owe(name: Name, at: number): void {
    if (this.#owed.size === 0) setTimeout(() => void this.#pay(), this.#payAfterMs);
    this.#owed.set(name, Math.min(at, this.#owed.get(name) ?? Infinity));
  }

  async #pay(): Promise<void> {
    const owed = [...this.#owed];
    this.#owed.clear();
    this.#payAfterMs = Math.min(2 * this.#payAfterMs, RETRY_LAST_MS);
    for (const [name, at] of owed) {
      try {
        if (!this.isArmed(name, at)) await this.set(name, at);
        // The row may have it already. A run sets the alarm when it ends.
        if (this.#running.size === 0) await this.#setAlarm();
      } catch (error) {
        logError("an appointment could not be made and is tried again", { duty: name, error });
        this.#owe(name, at);
      }
    }
    if (this.#owed.size === 0) this.#payAfterMs = RETRY_MS;
  }

  #read(): Entries<Name> {
    if (this.#entries !== undefined) return this.#entries;
    const { entries, counts } = parseRow<Name>(this.#storage.kv.get<Entries<string>>("timetable") ?? {});
    this.#entries = entries;
    this.#kept?.recall(counts);
    return entries;
  }

  async #write(entries: Entries<Name>): Promise<void> {
    if (entries !== this.#read()) {
      const rows = [undefined, this.#alarm].includes(earliest(entries)) ? 1 : 2;
      const counts = this.#kept?.counts(rows, Date.now()) ?? {};
      this.#storage.kv.put("timetable", { ...entries, ...rowOf(counts) });
    }
    // Only what is stored is believed: a write that threw has changed nothing.
    this.#entries = entries;
    await this.#setAlarm();
  }

  async #setAlarm(): Promise<void> {
    const at = earliest(this.#read()) ?? null;
    if (this.#alarm === at) return;
    this.#alarm = at;
    try {
      if (at === null) await this.#storage.deleteAlarm();
      else await this.#storage.setAlarm(toRuntime(at));
    } catch (error) {
      this.#alarm = undefined;
      throw error;
    }
  }
}

function earliest<Name extends string>(entries: Entries<Name>): number | undefined {
  const times = Object.values<number | undefined>(entries).filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

function withEntry<Name extends string>(
  entries: Entries<Name>,
  name: Name,
  at: number | undefined,
): Entries<Name> {
  const { [name]: _old, ...others } = entries;
  return (at === undefined ? others : { ...entries, [name]: at }) as Entries<Name>;
}

const isCount = ([name]: readonly [string, unknown]): boolean => name.startsWith(COUNT);

function parseRow<Name extends string>(row: Entries<string>) {
  const entries = Object.entries(row).filter((one) => !isCount(one));
  const counts = Object.entries(row).filter(isCount);
  return {
    entries: Object.fromEntries(entries) as Entries<Name>,
    counts: Object.fromEntries(
      counts.map(([name, value]) => [name.slice(COUNT.length), (value ?? COUNTS_FROM) - COUNTS_FROM]),
    ),
  };
}

const rowOf = (counts: Readonly<Record<string, number>>): Entries<string> =>
  Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [
      `${COUNT}${name}`,
      COUNTS_FROM + Math.min(count, COUNT_MOST),
    ]),
  );

/** A time that the runtime takes (SPEC BD51), and not earlier than the appointment. */
function toAlarm(at: number): number {
  if (Number.isNaN(at)) throw new RangeError("an appointment has a time");
  return Math.min(Math.max(Math.ceil(at), 0), LATEST);
}
