import type { Config } from "../config/config.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { logError } from "../platform/logger.ts";
import type { Timetable } from "../platform/timetable.ts";
import type { Event, EventDetails, EventType } from "./event.ts";
import type { Batch } from "./event-queue.ts";
import { createSinks, type Sink } from "./sinks.ts";

/** While a sink delivers, the alarm looks again after this time, because the object may have died meanwhile. */
const CHECK_MS = 30_000;

/**
 * Tells the deployment's hooks and its webhook of the events of one object (SPEC HK4, HK6).
 *
 * An event is stored in the turn in which it happens, and is deleted after its receiver has taken it. So each receiver
 * is told at least once, each time under the same id. An event that no receiver wants is not stored (SPEC HK5).
 */
export class Events {
  readonly #arm: (at: number) => void;
  readonly #sinks: readonly Sink[];

  constructor(parts: {
    readonly ctx: DurableObjectState;
    readonly env: RingcastEnv;
    readonly config: Config;
    readonly hooks: Hooks;
    readonly timetable: Pick<Timetable<"events">, "arm">;
    /** Whether the hooks are told of one event after the other. The webhook always gets events in order. */
    readonly ordered: boolean;
  }) {
    const { ctx, env, config, hooks, ordered } = parts;
    // After the transaction that has the event: the timetable believes what it has written.
    this.#arm = (at) => ctx.waitUntil(Promise.resolve().then(() => parts.timetable.arm("events", at)));
    this.#sinks = createSinks({ storage: ctx.storage, env, ctx, config, hooks, ordered });
  }

  /** In the first turn of a life: an appointment for events may be missing that could not be stored. */
  wake(): void {
    for (const sink of this.#sinks) {
      const due = dueOf(sink);
      if (due !== undefined) this.#arm(due);
    }
  }

  /** Whether any receiver wants events of a type. */
  wants(type: EventType): boolean {
    return this.#sinks.some(({ types }) => types.has(type));
  }

  /**
   * Stores an event for its receivers. MUST be called in the turn in which the event happens, and in the transaction of
   * what is stored with it: a caller whose write is repeated after a throw records the event again.
   */
  record(details: EventDetails): void {
    this.#store({ ...newEvent(), ...details });
  }

  #store(event: Pick<Event, "id" | "at" | "type">, text?: string): void {
    try {
      for (const { queue, types, delayMs } of this.#sinks) {
        if (!types.has(event.type)) continue;
        const due = event.at + delayMs;
        if (queue.add(event, due, text)) this.#arm(due);
      }
    } catch (error) {
      for (const { queue } of this.#sinks) queue.reread();
      throw error;
    }
  }

  /** How many events this life of the object has dropped, because a receiver had too many waiting (SPEC BD60). */
  get dropped(): number {
    return this.#sinks.reduce((sum, { queue }) => sum + queue.dropped, 0);
  }

  /** How many events wait, over all receivers. */
  get waiting(): number {
    return this.#sinks.reduce((sum, { queue }) => sum + queue.size, 0);
  }

  /** What waits over all receivers. `oldestAt`: when the oldest has happened, ms since 1970; null where none waits. */
  get backlog(): { readonly waiting: number; readonly dropped: number; readonly oldestAt: number | null } {
    const oldestAt = Math.min(...this.#sinks.map(({ queue }) => queue.oldestAt ?? Infinity));
    return {
      waiting: this.waiting,
      dropped: this.dropped,
      oldestAt: Number.isFinite(oldestAt) ? oldestAt : null,
    };
  }

  /** Whether no event waits for a receiver. */
  get isEmpty(): boolean {
    return this.#sinks.every(({ queue }) => queue.size === 0);
  }

  /** Whether the queues have room for many events more. */
  get hasRoom(): boolean {
    return this.#sinks.every(({ queue }) => queue.hasRoom);
  }

  /** As `record`, for a publication; `body` is its JSON text for clients, which stays as it is (SPEC CE4). */
  published(channel: string, body: string, offset: number | null): void {
    if (!this.wants("published")) return;
    const event = { ...newEvent(), type: "published", channel, offset } as const;
    this.#store(event, `${JSON.stringify(event).slice(0, -1)},"publication":${body}}`);
  }

  /**
   * Starts to deliver the events that are due, and answers with the time of the next call. The object's alarm calls
   * this. It MUST NOT wait for a receiver, because the object's other duties would wait too.
   */
  run(now: number): number | undefined {
    let next: number | undefined;
    for (const sink of this.#sinks) {
      const due = sink.restsUntil > now ? this.#afterRest(sink) : dueOf(sink);
      if (due === undefined) continue;
      if (due <= now && !sink.busy) void this.#deliverDue(sink);
      const again = sink.busy ? now + CHECK_MS : due;
      next = Math.min(next ?? again, again);
    }
    return next;
  }

  #afterRest({ queue, restsUntil }: Sink): number | undefined {
    return queue.size === 0 ? undefined : restsUntil;
  }

  async #deliverDue(sink: Sink): Promise<void> {
    const { queue } = sink;
    sink.busy = true;
    try {
      if (sink.atOnce === 1) await deliverInOrder(sink);
      else {
        await deliverAtOnce(sink);
        // Each run reads the whole queue. A long one is read less often, so that a receiver that is gone for a day
        // costs at most a thousand rows a second.
        sink.restsUntil = Date.now() + queue.size;
      }
    } catch (error) {
      logError("events could not be taken from their queue, and are told later", { error });
    } finally {
      sink.busy = false;
      const next = dueOf(sink);
      if (next !== undefined) this.#arm(Math.max(next, sink.restsUntil));
    }
  }
}

const newEvent = () => ({ id: crypto.randomUUID(), at: Date.now() });

const dueOf = ({ queue, atOnce }: Sink): number | undefined =>
  atOnce === 1 ? queue.oldestDue() : queue.nextDue();

async function deliverInOrder(sink: Sink): Promise<void> {
  for (;;) {
    const batch = sink.queue.takeOldest(Date.now());
    if (batch === undefined) return;
    await deliver(sink, batch);
  }
}

/** Goes through the queue once: an event whose receiver has failed now waits for the next run. */
async function deliverAtOnce(sink: Sink): Promise<void> {
  for (let after = 0; ;) {
    const batches = sink.queue.takeDue(Date.now(), { after, most: sink.atOnce });
    if (batches.length === 0) return;
    await Promise.all(batches.map((batch) => deliver(sink, batch)));
    after = batches.at(-1)?.rows[0] ?? after;
  }
}

async function deliver({ queue, deliver: send }: Sink, batch: Batch): Promise<void> {
  try {
    await send(batch);
    queue.done(batch);
  } catch (error) {
    const [event] = batch.events;
    logError("a receiver has not taken its events, and is told again", {
      event: event?.type,
      events: batch.events.length,
      batch: batch.id,
      attempt: batch.tries + 1,
      error,
    });
    queue.failed(batch, Date.now());
  }
}
