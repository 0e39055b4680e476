import type { ShardAddress } from "../contracts/address.ts";
import type { Delivery } from "../contracts/orders.ts";
import { CALL_BYTES, type ChannelEvent, type Publication } from "../contracts/publication.ts";
import { logError } from "../platform/logger.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Log } from "./log.ts";

/** The most that waits in memory for a shard that does not answer (SPEC BD90). */
const WAITING = { count: 65_536, bytes: 8 * 1_048_576 };
/** The most in one call (SPEC BD5). */
const BATCH = { count: 256, bytes: CALL_BYTES };

export type LaneParts = {
  readonly channel: string;
  readonly shard: ShardAddress;
  /** The number of the registration. */
  readonly registration: number;
  readonly log: Pick<Log, "durable" | "logEpoch" | "after">;
  readonly deliveries: Pick<Deliveries, "send">;
  /** Every publication up to an offset has reached the shard, and the last call so many sessions. */
  readonly onHeard: (offset: number, sessions: number) => void;
  readonly onNoListeners: () => void;
};

/** One call, and the offset that the shard has heard up to once it has answered. */
type Next = { readonly delivery: Delivery; readonly upTo: number };

/**
 * The way from a channel to one shard: one call in flight, in order; what comes meanwhile goes in the next call.
 *
 * Idle, an event leaves at once; busy, events travel in batches by themselves. Publications that are not (or no longer)
 * in memory are read from the log, so that none is skipped (SPEC DL1). An ephemeral log has none to give: a publication
 * that a shard was not reached with is lost to its clients. `send` does its own retries; when it rejects, the lane rests
 * until it is run again.
 */
export class Lane {
  readonly #parts: LaneParts;
  #heard: number;
  #tried: number;
  #waiting: ChannelEvent[] = [];
  #waitingBytes = 0;
  #running = false;
  #stopped = false;
  #done = Promise.resolve();

  /** `heard`: how far the shard is; `tried`: how far an earlier instance of the channel may have sent. */
  constructor(position: { readonly heard: number; readonly tried: number }, parts: LaneParts) {
    this.#heard = position.heard;
    this.#tried = position.tried;
    this.#parts = parts;
  }

  /** The offset that the shard has heard up to. */
  get heard(): number {
    return this.#heard;
  }

  /** The offset that a call may have reached the shard with. */
  get tried(): number {
    return this.#tried;
  }

  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  get #isTooMuch(): boolean {
    const { length } = this.#waiting;
    return length > WAITING.count || (length > 1 && this.#waitingBytes > WAITING.bytes);
  }

  /** Takes events; the promise ends when no event waits any more, or the lane rests. */
  push(...events: readonly ChannelEvent[]): Promise<void> {
    this.#waiting.push(...events);
    for (const { body } of events) this.#waitingBytes += body.length;
    while (this.#isTooMuch) this.#waitingBytes -= this.#waiting.shift()?.body.length ?? 0;
    return this.run();
  }

  /** Ends the lane: a newer registration has one of its own. Answers with the events that no call has taken. */
  stop(): readonly ChannelEvent[] {
    const waiting = this.#waiting;
    this.#stopped = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return waiting;
  }

  /** Sends the events that wait. */
  run(): Promise<void> {
    if (this.#running) return this.#done;
    this.#running = true;
    this.#done = this.#run();
    return this.#done;
  }

  async #run(): Promise<void> {
    const { channel, shard, deliveries, onHeard, onNoListeners } = this.#parts;
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        this.#tried = Math.max(this.#tried, next.upTo);
        const delivered = await deliveries.send(shard, next.delivery);
        if (this.#stopped) return;
        if (delivered.kind === "noListeners") return onNoListeners();
        this.#heard = next.upTo;
        onHeard(next.upTo, delivered.sessions);
      }
    } catch (error) {
      logError("a shard did not take a delivery", { channel, shard: shard.id, offset: this.#heard, error });
    } finally {
      // In the turn that found nothing to send, so that the next push starts anew.
      this.#running = false;
    }
  }

  #next(): Next | undefined {
    if (this.#stopped) return undefined;
    const { channel, registration, log } = this.#parts;
    const after = this.#heard;
    const isNew = (event: ChannelEvent) => event.kind !== "pub" || event.offset > after;
    const first = this.#waiting.find(
      (event): event is Publication => event.kind === "pub" && event.offset > after,
    );
    let events: readonly ChannelEvent[];
    const missing = first?.offset === after + 1 ? [] : log.after(after, BATCH);
    if (missing.length > 0) {
      // The log goes first; the events in memory go on waiting, and those that the log has given are dropped later.
      events = missing;
    } else {
      events = firstOf(this.#waiting.filter(isNew), BATCH);
      const last = events.at(-1);
      this.#waiting = last === undefined ? [] : this.#waiting.slice(this.#waiting.indexOf(last) + 1);
      this.#waitingBytes = this.#waiting.reduce((sum, { body }) => sum + body.length, 0);
    }
    if (events.length === 0) return undefined;
    const publications = events.filter((event) => event.kind === "pub");
    const since = (publications[0]?.offset ?? after + 1) - 1;
    const mayRepeat = publications.length > 0 && since < this.#tried;
    const { logEpoch, durable } = log;
    return {
      delivery: { channel, registration, logEpoch, durable, since, mayRepeat, entries: events },
      upTo: publications.at(-1)?.offset ?? after,
    };
  }
}

/** As many of the events as one call may hold, and at least one. */
function firstOf(events: readonly ChannelEvent[], { count, bytes }: typeof BATCH): readonly ChannelEvent[] {
  let sum = 0;
  const end = events.findIndex(({ body }, n) => n === count || ((sum += body.length) > bytes && n > 0));
  return end === -1 ? events : events.slice(0, end);
}
