import { COSTS, WORK, WORK_BUDGET, type Work } from "./costs.ts";
import type { LoadParts } from "./load.ts";

/** Rates are means over about so long: a deployment brings all clients of a shard back within this time. */
const MEAN_MS = 60_000;
/** A load is told in hundredths, so that a rate that fades ends the reports. */
const STEPS = 100;

export type MeterLimits = {
  readonly sockets: number;
  readonly upgradesPerSecond: number;
  readonly queuedBytes: number;
};

/** What a shard has done in this life, how many sockets it has, and what they have left unread. */
export type Counted = {
  readonly work: Readonly<Record<Work, number>>;
  readonly sockets: number;
  readonly queuedBytes: number;
};

/** Makes the load of one shard of what it counts. Lives in memory: after a sleep the rates begin at zero. */
export class Meter {
  readonly #limits: MeterLimits;
  #before: Counted["work"] = { upgrade: 0, frame: 0, delivery: 0, kilobyte: 0 };
  #upgradesPerSecond = 0;
  /** The part of the time that the thread works. */
  #busy = 0;
  #readAt: number;

  constructor(limits: MeterLimits, now: number) {
    this.#limits = limits;
    this.#readAt = now;
  }

  /** The load at a time, ms since 1970. Each part is a number of hundredths. */
  read(now: number, { work, sockets, queuedBytes }: Counted): LoadParts {
    const limits = this.#limits;
    this.#take(now, work);
    return {
      sockets: round(sockets / limits.sockets),
      upgrades: round(this.#upgradesPerSecond / limits.upgradesPerSecond),
      work: round(this.#busy / WORK_BUDGET),
      queued: round(queuedBytes / limits.queuedBytes),
    };
  }

  #take(now: number, work: Counted["work"]): void {
    const elapsedMs = now - this.#readAt;
    if (elapsedMs <= 0) return;
    const since = (kind: Work): number => work[kind] - this.#before[kind];
    const busyMs = WORK.reduce((sum, kind) => sum + since(kind) * COSTS[kind], 0);
    const fresh = 1 - Math.exp(-elapsedMs / MEAN_MS);
    this.#upgradesPerSecond += (since("upgrade") / (elapsedMs / 1_000) - this.#upgradesPerSecond) * fresh;
    this.#busy += (busyMs / elapsedMs - this.#busy) * fresh;
    this.#before = { ...work };
    this.#readAt = now;
  }
}

const round = (part: number): number => Math.round(part * STEPS) / STEPS;
