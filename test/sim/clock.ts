type Appointment = {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
};

/**
 * Virtual time: it goes from one appointment to the next. Appointments of the same moment run in the order in which
 * they were made.
 */
export class Clock {
  now = 1_800_000_000_000;
  #order = 0;
  /** A heap, the next appointment first. */
  readonly #heap: Appointment[] = [];

  at(time: number, run: () => void): { cancel(): void } {
    const appointment = { at: Math.max(time, this.now), order: this.#order++, run, cancelled: false };
    this.#heap.push(appointment);
    this.#up(this.#heap.length - 1);
    return {
      cancel: () => {
        appointment.cancelled = true;
      },
    };
  }

  after(ms: number, run: () => void): { cancel(): void } {
    return this.at(this.now + ms, run);
  }

  /** Removes the next appointment that is due by `until` and sets `now` to its time; undefined if there is none. */
  next(until: number): (() => void) | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at > until) return undefined;
      const last = this.#heap.pop();
      if (last !== undefined && this.#heap.length > 0) {
        this.#heap[0] = last;
        this.#down(0);
      }
      if (first.cancelled) continue;
      this.now = first.at;
      return first.run;
    }
  }

  #before(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a] as Appointment, this.#heap[b] as Appointment];
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b] as Appointment, this.#heap[a] as Appointment];
  }

  #up(from: number): void {
    for (let n = from; n > 0;) {
      const parent = (n - 1) >> 1;
      if (!this.#before(n, parent)) return;
      this.#swap(n, parent);
      n = parent;
    }
  }

  #down(from: number): void {
    for (let n = from; ;) {
      let least = n;
      for (const child of [2 * n + 1, 2 * n + 2]) {
        if (child < this.#heap.length && this.#before(child, least)) least = child;
      }
      if (least === n) return;
      this.#swap(n, least);
      n = least;
    }
  }
}
