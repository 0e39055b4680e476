/** A stranger's flood has more frames than any loop of ours has calls, timers and alarms. */
const HOT_LOOP_EVENTS_A_SECOND = { own: 4_000, frames: 60_000 } as const;

/** Counts the events of a world, and finds the loop that never pauses. */
export class EventCount {
  total = 0;
  /** More events than these are a broken law: the world should have been silent. */
  most = Infinity;
  /** The present event is a frame of a socket. */
  isFrame = false;
  #second = { at: 0, own: 0, frames: 0 };

  /** Counts the event that has just ended at `now`. Returns the law that it breaks, or undefined. */
  add(now: number): string | undefined {
    this.total += 1;
    const at = Math.floor(now / 1_000);
    if (at !== this.#second.at) this.#second = { at, own: 0, frames: 0 };
    const kind = this.isFrame ? "frames" : "own";
    this.isFrame = false;
    this.#second[kind] += 1;
    if (this.total === this.most) return "the cluster is idle, and not silent (SPEC BD73)";
    if (this.#second[kind] > HOT_LOOP_EVENTS_A_SECOND[kind])
      return `a hot loop: too many events in one second (${kind})`;
    return undefined;
  }
}
