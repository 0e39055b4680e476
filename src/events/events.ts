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
    readonly env: Cloudflare.Env;
    readonly config: Config;
    readonly hooks: Hooks;
    readonly timetable: Pick<Timetable<"events">, "arm">;
    /** Whether the hooks are told of one event after the other. The webhook always gets events in order. */
    readonly ordered: boolean;
  }) {
    const { ctx, env, config, hooks, ordered } = parts;
    this.#arm = (at) => ctx.waitUntil(parts.timetable.arm("events", at));
    this.#sinks = createSinks({ storage: ctx.storage, env, config, hooks, ordered });
  }

  /** Whether any receiver wants events of a type. */
  wants(type: EventType): boolean {
    return this.#sinks.some(({ types }) => types.has(type));
  }

  /** Stores an event for its receivers. MUST be called in the turn in which the event happens. */
  record(details: EventDetails): void {
    const now = Date.now();
    const event: Event = { id: crypto.randomUUID(), at: now, ...details };
    for (const { queue, types, delayMs } of this.#sinks) {
      if (!types.has(details.type)) continue;
      queue.add(event, now + delayMs);
      this.#arm(now + delayMs);
    }
  }

  /** As `record`, for a publication; `body` is its JSON text. */
  published(channel: string, body: string, offset: number | null): void {
    if (!this.wants("published")) return;
    const publication: unknown = JSON.parse(body);
    this.record({ type: "published", channel, offset, publication });
  }

  /**
   * Starts to deliver the events that are due, and answers with the time of the next call. The object's alarm calls
   * this. It MUST NOT wait for a receiver, because the object's other duties would wait too.
   */
  run(now: number): number | undefined {
    let next: number | undefined;
    for (const sink of this.#sinks) {
      const due = sink.queue.nextDue(sink.atOnce);
      if (due === undefined) continue;
      if (due <= now && !sink.busy) void this.#deliverDue(sink);
      const again = sink.busy ? now + CHECK_MS : due;
      next = Math.min(next ?? again, again);
    }
    return next;
  }

  async #deliverDue(sink: Sink): Promise<void> {
    const { queue } = sink;
    sink.busy = true;
    try {
      for (;;) {
        const batches = queue.take(Date.now(), sink.atOnce);
        if (batches.length === 0) break;
        await Promise.all(batches.map((batch) => deliver(sink, batch)));
      }
    } finally {
      sink.busy = false;
      const next = queue.nextDue(sink.atOnce);
      if (next !== undefined) this.#arm(next);
    }
  }
}

async function deliver({ queue, deliver: send }: Sink, batch: Batch): Promise<void> {
  try {
    await send(batch.events, batch.id);
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
