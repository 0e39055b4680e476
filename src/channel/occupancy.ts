import type { Events } from "../events/events.ts";
import type { Timetable } from "../platform/timetable.ts";

export type OccupancyParts = {
  readonly ctx: Pick<DurableObjectState, "storage" | "waitUntil">;
  readonly channel: string;
  readonly events: Pick<Events, "wants" | "record">;
  readonly timetable: Pick<Timetable<"vacant">, "arm" | "at">;
  readonly graceMs: number;
  readonly shards: () => number;
};

/**
 * Whether a channel has a listener, as far as a hook or the webhook wants to hear of it (SPEC HK7).
 *
 * Occupied with the first shard that registers. Vacated when the last has been gone for the grace, as a move takes all
 * listeners away for a moment. A shard ends its registration after a grace of its own, so it may take two of them.
 */
export class Occupancy {
  readonly #parts: OccupancyParts;

  constructor(parts: OccupancyParts) {
    this.#parts = parts;
  }

  /** MUST be called in the turn of the registration. */
  entered(): void {
    const { ctx, channel, events } = this.#parts;
    if (!this.#wanted() || this.#occupied()) return;
    ctx.storage.transactionSync(() => {
      ctx.storage.kv.put("occupied", true);
      events.record({ type: "occupied", channel });
    });
  }

  left(): void {
    const { ctx, timetable, graceMs, shards } = this.#parts;
    if (shards() > 0 || !this.#wanted() || !this.#occupied()) return;
    const now = Date.now();
    ctx.storage.kv.put("left", now);
    ctx.waitUntil(timetable.arm("vacant", now + graceMs));
  }

  /** A shard that has waited for the grace has none left. An appointment may be missing that could not be stored. */
  settle(): void {
    const { ctx, timetable } = this.#parts;
    if (timetable.at("vacant") !== undefined) return;
    const dueAt = this.run(Date.now());
    if (dueAt !== undefined) ctx.waitUntil(timetable.arm("vacant", dueAt));
  }

  /** The duty of the channel's alarm; answers when it is next due. */
  run(now: number): number | undefined {
    const { ctx, channel, events, graceMs, shards } = this.#parts;
    if (shards() > 0 || !this.#wanted() || !this.#occupied()) return undefined;
    // An appointment that an earlier leave has made is too early for a later one.
    const dueAt = (ctx.storage.kv.get<number>("left") ?? 0) + graceMs;
    if (now < dueAt) return dueAt;
    ctx.storage.transactionSync(() => {
      ctx.storage.kv.delete("occupied");
      ctx.storage.kv.delete("left");
      events.record({ type: "vacated", channel });
    });
    return undefined;
  }

  /** A hook has heard that the channel is occupied, and is still to hear that it is vacated. */
  get isOpen(): boolean {
    return this.#wanted() && this.#occupied();
  }

  #wanted(): boolean {
    return this.#parts.events.wants("occupied") || this.#parts.events.wants("vacated");
  }

  #occupied(): boolean {
    return this.#parts.ctx.storage.kv.get<boolean>("occupied") === true;
  }
}
