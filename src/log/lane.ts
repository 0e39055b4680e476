import type { DeliveryResult, Entry, PubEntry } from "../contracts/delivery.ts";

/** What waits in memory for a shard that does not answer, at most. */
const LANE_BYTES = 8 * 1_048_576;
/** How many publications travel in one call, at most. */
const BATCH = 256;

/** One call to a shard; see `Delivery` for the fields. `upTo`: where the shard is once it has answered. */
export type Batch = {
  readonly since: number;
  readonly upTo: number;
  readonly mayRepeat: boolean;
  readonly entries: readonly Entry[];
};

export type LaneEffects = {
  readonly deliver: (batch: Batch) => Promise<DeliveryResult>;
  readonly readAfter: (offset: number, limit: number) => readonly PubEntry[];
  readonly onHeard: (offset: number, sessions: number) => void;
  readonly onNoListeners: () => void;
};

/**
 * The way from a channel to one shard: one call in flight, in order; what comes meanwhile goes in the next call.
 *
 * Idle, an entry leaves at once; busy, entries travel in batches by themselves. Publications that are not (or no
 * longer) in memory are read from the log, so that none is skipped (SPEC DL1); a log that keeps nothing has none to
 * give, and then what is lost is lost. `deliver` does its own retries; when it rejects, the lane rests until it is
 * run again.
 */
export class Lane {
  readonly #effects: LaneEffects;
  #heard: number;
  /** Up to here a call may have reached the shard. */
  #tried: number;
  #waiting: Entry[] = [];
  #waitingBytes = 0;
  #running = false;
  #done = Promise.resolve();

  /** `heard`: how far the shard is; `tried`: how far an earlier instance of the channel may have sent. */
  constructor(position: { readonly heard: number; readonly tried: number }, effects: LaneEffects) {
    this.#heard = position.heard;
    this.#tried = position.tried;
    this.#effects = effects;
  }

  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  /** Takes an entry; the promise ends when nothing waits any more, or the lane rests. */
  push(entry: Entry): Promise<void> {
    this.#waiting.push(entry);
    this.#waitingBytes += entry.body.length;
    while (this.#waitingBytes > LANE_BYTES && this.#waiting.length > 1) {
      this.#waitingBytes -= this.#waiting.shift()?.body.length ?? 0;
    }
    return this.run();
  }

  /** Sends what there is to send. */
  run(): Promise<void> {
    if (this.#running) return this.#done;
    this.#running = true;
    this.#done = this.#run();
    return this.#done;
  }

  async #run(): Promise<void> {
    try {
      for (let batch = this.#next(); batch !== undefined; batch = this.#next()) {
        this.#tried = Math.max(this.#tried, batch.upTo);
        const result = await this.#effects.deliver(batch);
        if (result.kind === "noListeners") return this.#effects.onNoListeners();
        this.#heard = batch.upTo;
        this.#effects.onHeard(batch.upTo, result.sessions);
      }
    } catch (error) {
      console.error("a shard did not take a delivery", error);
    } finally {
      // In the turn that found nothing to send, so that whoever pushes next starts anew.
      this.#running = false;
    }
  }

  #next(): Batch | undefined {
    const since = this.#heard;
    const first = this.#waiting.find(
      (entry): entry is PubEntry => entry.kind === "pub" && entry.offset > since,
    );
    let entries: Entry[];
    const missing = first?.offset === since + 1 ? [] : this.#effects.readAfter(since, BATCH);
    if (missing.length > 0) {
      // The log goes first; what waits goes on waiting, and what of it the log has given is dropped later.
      entries = [...missing];
    } else {
      entries = this.#waiting.filter((entry) => entry.kind !== "pub" || entry.offset > since).slice(0, BATCH);
      const last = entries.at(-1);
      this.#waiting = last === undefined ? [] : this.#waiting.slice(this.#waiting.indexOf(last) + 1);
      this.#waitingBytes = this.#waiting.reduce((sum, { body }) => sum + body.length, 0);
    }
    if (entries.length === 0) return undefined;
    const publications = entries.filter((entry) => entry.kind === "pub");
    const before = (publications[0]?.offset ?? since + 1) - 1;
    return {
      since: before,
      upTo: publications.at(-1)?.offset ?? since,
      mayRepeat: publications.length > 0 && before < this.#tried,
      entries,
    };
  }
}
