import { LIVE_CHANNEL } from "../../contracts/live.ts";
import type { Connections } from "../connections/connections.ts";
import type { Session } from "../connections/session.ts";
import type { Batch, Wire } from "../wire.ts";
import type { Counters } from "../records/counters.ts";

/** Hands what a channel says to the sessions that listen, as frames of the front. */
export class Emitter {
  readonly #connections: Connections;
  readonly #wire: Wire;
  readonly #counters: Counters;

  constructor(parts: {
    readonly connections: Connections;
    readonly wire: Wire;
    readonly counters: Counters;
  }) {
    this.#connections = parts.connections;
    this.#wire = parts.wire;
    this.#counters = parts.counters;
  }

  emit(batch: Batch, listeners: ReadonlySet<Session>): void {
    if (listeners.size === 0) return;
    const { channel } = batch;
    const now = Date.now();
    this.#count(batch, listeners.size, now);
    const frames = this.#wire.encodeBatch(batch);
    for (const session of listeners) {
      const { attachment } = session;
      if (attachment.state !== "open") continue;
      const subscription = attachment.subscriptions.get(channel);
      if (subscription !== undefined)
        this.#connections.send(session, frames.frameFor(session, subscription), now);
    }
  }

  /** The live feed does not speak of itself. */
  #count({ channel, events }: Batch, sessions: number, now: number): void {
    if (channel === LIVE_CHANNEL) return;
    for (const event of events) {
      if (event.kind === "join" || event.kind === "leave") continue;
      this.#counters.counts.deliveries += sessions;
      if (this.#counters.isWatched && event.kind === "pub" && event.at !== undefined)
        this.#counters.sample(now - event.at);
    }
  }
}
