import type { PresenceEvent } from "../../contracts/channel.ts";
import { logError } from "../../platform/logger.ts";

/** One call has at most so many events, and so many bytes or one event. */
const CALL_EVENTS = 256;
const CALL_BYTES = 262_144;
/** How many channels are told at a time: each is a call to an object. */
const CALLS_AT_ONCE = 64;
/** The most that waits, over all channels. More is not told: a shard does not end for it. */
const WAITING_BYTES = 8_388_608;

/**
 * Joins and leaves of this shard, gathered for a moment and told to each channel in one call, at most once. Those that
 * wait are bounded, and so is each call (SPEC BD63). The events of one channel keep their order.
 */
export class Announcer {
  readonly #tell: (channel: string, events: readonly PresenceEvent[]) => Promise<void>;
  readonly #batchMs: number;
  readonly #waiting = new Map<string, PresenceEvent[]>();
  readonly #beingTold = new Set<string>();
  #waitingBytes = 0;
  #dropped = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(batchMs: number, tell: (channel: string, events: readonly PresenceEvent[]) => Promise<void>) {
    this.#batchMs = batchMs;
    this.#tell = tell;
  }

  announce(channel: string, event: PresenceEvent): void {
    const bytes = event.body.length;
    if (this.#waitingBytes + bytes > WAITING_BYTES) return this.#drop(channel);
    this.#waitingBytes += bytes;
    const events = this.#waiting.get(channel);
    if (events === undefined) this.#waiting.set(channel, [event]);
    else events.push(event);
    this.#arm();
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => this.#flush(), this.#batchMs);
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const [channel, events] of this.#waiting) {
      if (this.#beingTold.size >= CALLS_AT_ONCE) return;
      if (!this.#beingTold.has(channel)) void this.#tellOne(channel, this.#slice(channel, events));
    }
  }

  async #tellOne(channel: string, events: readonly PresenceEvent[]): Promise<void> {
    this.#beingTold.add(channel);
    try {
      await this.#tell(channel, events);
    } catch (error) {
      logError("joins and leaves were lost", { channel, events: events.length, error });
    } finally {
      const othersWaited = this.#beingTold.size === CALLS_AT_ONCE;
      this.#beingTold.delete(channel);
      if (othersWaited || this.#waiting.has(channel)) this.#flush();
    }
  }

  /** Takes the events of one call from those that wait. */
  #slice(channel: string, events: PresenceEvent[]): readonly PresenceEvent[] {
    let [count, bytes] = [0, 0];
    for (const { body } of events) {
      if (count === CALL_EVENTS || (count > 0 && bytes + body.length > CALL_BYTES)) break;
      count += 1;
      bytes += body.length;
    }
    this.#waitingBytes -= bytes;
    if (count === events.length) this.#waiting.delete(channel);
    return events.splice(0, count);
  }

  /** The numbers of the lines are powers of two, as a line for each event would cost more than the event. */
  #drop(channel: string): void {
    this.#dropped += 1;
    if ((this.#dropped & (this.#dropped - 1)) === 0)
      logError("a join or a leave was dropped, because too many wait", { channel, dropped: this.#dropped });
  }
}
