import {
  addUsage,
  isUnused,
  NO_USAGE,
  USAGE_FIELDS,
  type Usage,
  type UsageReport,
} from "../contracts/usage.ts";
import type { KeptCounts } from "./timetable.ts";

const DAY_MS = 86_400_000;

type Window = { readonly since: number; readonly own: Usage; readonly channels: Map<string, Usage> };

const windowFrom = (since: number): Window => ({ since, own: NO_USAGE, channels: new Map() });

/**
 * The usage of an object over its lives: of the present day and of the day before, so that a month can be estimated
 * from the rate of now. It is kept in the row of the timetable, which is written anyway (SPEC EL53).
 */
export class UsageLedger implements KeptCounts {
  readonly #meter: { take(now: number): Usage };
  #day: Window;
  #dayBefore: Window | undefined;

  /** `meter`: see `UsageMeter.take`. */
  constructor(meter: { take(now: number): Usage }, now: number) {
    this.#meter = meter;
    this.#day = windowFrom(now);
  }

  /** A channel has told what it has used. */
  hear(namespace: string, usage: Usage): void {
    addTo(this.#day.channels, namespace, usage);
  }

  report(now: number): UsageReport {
    this.#collect(now);
    const { since, own, channels } =
      this.#dayBefore === undefined ? this.#day : addWindows(this.#dayBefore, this.#day);
    return { since, own, channels: Object.fromEntries(channels) };
  }

  recall(counts: Readonly<Record<string, number>>): void {
    const [day, dayBefore] = [readWindow("0", counts), readWindow("1", counts)];
    if (day !== undefined) this.#day = addWindows(day, this.#day);
    this.#dayBefore = dayBefore;
  }

  counts(rows: number, now: number): Record<string, number> {
    this.#collect(now);
    const { own } = this.#day;
    const day = { ...this.#day, own: { ...own, rowsWritten: own.rowsWritten + rows } };
    return {
      ...writeWindow("0", day),
      ...(this.#dayBefore === undefined ? {} : writeWindow("1", this.#dayBefore)),
    };
  }

  #collect(now: number): void {
    this.#day = { ...this.#day, own: addUsage(this.#day.own, this.#meter.take(now)) };
    if (now - this.#day.since < DAY_MS) return;
    this.#dayBefore = this.#day;
    this.#day = windowFrom(now);
  }
}

const addTo = (channels: Map<string, Usage>, namespace: string, usage: Usage): void =>
  void channels.set(namespace, addUsage(channels.get(namespace) ?? NO_USAGE, usage));

function addWindows(some: Window, more: Window): Window {
  const channels = new Map(some.channels);
  for (const [namespace, usage] of more.channels) addTo(channels, namespace, usage);
  return { since: some.since, own: addUsage(some.own, more.own), channels };
}

/** `0/since`; `0//calls` of the object itself; `0/chat/calls` of the channels of a namespace. Zeros are left out. */
function writeWindow(name: string, { since, own, channels }: Window): Record<string, number> {
  const counts: Record<string, number> = { [`${name}/since`]: since };
  const write = (owner: string, usage: Usage): void => {
    for (const field of USAGE_FIELDS)
      if (usage[field] > 0) counts[`${name}/${owner}/${field}`] = Math.round(usage[field]);
  };
  write("", own);
  for (const [namespace, usage] of channels) if (!isUnused(usage)) write(`:${namespace}`, usage);
  return counts;
}

function readWindow(name: string, counts: Readonly<Record<string, number>>): Window | undefined {
  const since = counts[`${name}/since`];
  if (since === undefined) return undefined;
  const usages = new Map<string, Record<string, number>>();
  for (const [key, value] of Object.entries(counts)) {
    const [window, owner, field] = key.split("/");
    if (window !== name || owner === undefined || field === undefined) continue;
    usages.set(owner, { ...usages.get(owner), [field]: value });
  }
  const own = { ...NO_USAGE, ...usages.get("") };
  usages.delete("");
  const channels = new Map([...usages].map(([owner, usage]) => [owner.slice(1), { ...NO_USAGE, ...usage }]));
  return { since, own, channels };
}
