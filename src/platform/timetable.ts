import { logError } from "./logger.ts";

/**
 * Several appointments over the one alarm that an object has.
 *
 * Kept in one stored row, so that a sleep or a crash forgets none: an appointment leaves the row only after its
 * duty has run, and the runtime repeats an alarm that failed. MUST be the only user of the object's alarm.
 */
export class Timetable<Name extends string> {
  readonly #storage: DurableObjectStorage;
  #entries: Partial<Record<Name, number>> | undefined;
  /** Appointments made for a duty while it runs. */
  readonly #meanwhile = new Map<Name, number>();
  readonly #running = new Set<Name>();

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** When `name` is due, in ms since 1970; undefined if it is not. */
  at(name: Name): number | undefined {
    return this.#read()[name];
  }

  /** Makes an appointment, or moves it to an earlier time. */
  async arm(name: Name, at: number): Promise<void> {
    if (this.#running.has(name)) {
      this.#meanwhile.set(name, Math.min(at, this.#meanwhile.get(name) ?? Infinity));
      return;
    }
    const present = this.at(name);
    if (present !== undefined && present <= at) return;
    await this.#write({ ...this.#read(), [name]: at });
  }

  /** Runs what is due by `now`, each duty once; a duty answers with its next time, if it has one. */
  async run(now: number, duty: (name: Name, dueAt: number) => Promise<number | undefined>): Promise<void> {
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
    const entries = { ...this.#read() };
    for (const name of due) {
      const at = Math.min(next.get(name) ?? Infinity, this.#meanwhile.get(name) ?? Infinity);
      this.#running.delete(name);
      this.#meanwhile.delete(name);
      if (at === Infinity) delete entries[name];
      else entries[name] = at;
    }
    await this.#write(entries);
  }

  #read(): Partial<Record<Name, number>> {
    this.#entries ??= this.#storage.kv.get<Partial<Record<Name, number>>>("timetable") ?? {};
    return this.#entries;
  }

  async #write(entries: Partial<Record<Name, number>>): Promise<void> {
    this.#entries = entries;
    this.#storage.kv.put("timetable", entries);
    const times = Object.values<number | undefined>(entries).filter((time) => time !== undefined);
    if (times.length === 0) await this.#storage.deleteAlarm();
    else await this.#storage.setAlarm(Math.min(...times));
  }
}

/** After a duty that threw: soon, but no hot loop. */
const RETRY_MS = 2_000;
