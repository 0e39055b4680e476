import { Events } from "../../events/events.ts";
import type { Hooks } from "../../hooks/hooks.ts";
import { channelStub, idOf } from "../../platform/stubs.ts";
import type { Timetable } from "../../platform/timetable.ts";
import type { Clients } from "../clients.ts";
import { Roll } from "./session-rows.ts";
import { Vacancies } from "./empty-channels.ts";

export type ChronicleDuty = "events" | "vacancies";

/** What a shard writes down so that others can be told of it, also after a crash: who is here, and what they hear. */
export class Chronicle {
  readonly roll: Roll;
  readonly vacancies: Vacancies;
  readonly #clients: Clients;
  readonly #events: Events;

  constructor(
    clients: Clients,
    parts: { ctx: DurableObjectState; hooks: Hooks; timetable: Pick<Timetable<ChronicleDuty>, "arm"> },
  ) {
    const { ctx, hooks, timetable } = parts;
    const { config, env, shard } = clients;
    this.#clients = clients;
    // Each of its facts is of another session, and those have no order among them.
    this.#events = new Events({ ctx, env, config, hooks, timetable, ordered: false });
    this.roll = new Roll(ctx.storage, this.#events, { id: idOf(shard.name), region: shard.region });
    this.vacancies = new Vacancies({
      storage: ctx.storage,
      wanted: () => this.#events.wants("occupied") || this.#events.wants("vacated"),
      graceMs: config.cluster.times.vacatedGraceMs,
      listeners: (channel) => clients.hub.sessionsOf(channel).size,
      knows: (channel) => clients.hub.knows(channel),
      settle: (channel) => channelStub(env, channel).settle(shard.name),
      arm: (at) => ctx.waitUntil(timetable.arm("vacancies", at)),
    });
  }

  /** After the sessions and channels are known again. */
  wake(): void {
    this.roll.wake(new Set([...this.#clients.sessions].map(({ attachment }) => attachment.id)));
    this.vacancies.wake();
  }

  run(duty: ChronicleDuty, now: number): number | undefined {
    return duty === "events" ? this.#events.run(now) : this.vacancies.run(now);
  }
}
