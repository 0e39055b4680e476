import { DurableObject } from "cloudflare:workers";
import type { Config } from "../config.ts";
import { callAgain, within } from "../platform/call.ts";
import { configOf } from "../platform/config.ts";
import { shardStub, type ShardRef } from "../platform/stubs.ts";
import type { DeliveryResult, Entry, PresenceEvent, Present, Registration } from "../protocol/delivery.ts";
import { HeldLeaves } from "./held-leaves.ts";
import { Lane } from "./lane.ts";
import { Listeners, type Listener } from "./listeners.ts";
import { openLog, type ChannelLog } from "./log.ts";

/** How long a shard that does not answer a delivery is tried. */
const DELIVERY_RETRY_MS = 30_000;

/**
 * One channel: numbers its publications and hands them, in order, to exactly the shards that have listeners.
 *
 * Addressed by the channel's name, so it stays where it is when the ring changes.
 */
export class Channel extends DurableObject<Cloudflare.Env> {
  readonly #config: Config;
  readonly #log: ChannelLog;
  readonly #listeners: Listeners;
  readonly #lanes = new Map<string, Lane>();
  readonly #heldLeaves: HeldLeaves;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#config = configOf(env);
    this.#log = openLog(ctx.storage.sql, () => crypto.randomUUID().slice(0, 8));
    this.#listeners = new Listeners(ctx.storage.sql);
    this.#heldLeaves = new HeldLeaves(this.#config.cluster.times.movedLeaveHoldMs, (event) =>
      this.#tell(event),
    );
  }

  /** From now on the shard gets every entry. Once for each shard, not once for each of its clients. */
  register(shard: ShardRef): Registration {
    const { registration } = this.#listeners.register(shard);
    return { number: registration, logEpoch: this.#log.logEpoch, top: this.#log.top };
  }

  /** Answers when the publication is durable. Repeating a call with the same `id` publishes nothing new. */
  publish(publication: { id: string; body: string }): { offset: number; logEpoch: string } {
    const { offset, repeated } = this.#log.append(publication);
    if (!repeated) this.#tell({ kind: "pub", offset, body: publication.body });
    return { offset, logEpoch: this.#log.logEpoch };
  }

  /** Joins and leaves, at most once each. */
  announce(events: readonly PresenceEvent[]): void {
    for (const event of events) if (this.#heldLeaves.pass(event)) this.#tell(event);
  }

  /** Who listens through any shard but `except`. Rejects if a shard does not answer: a part would be a lie. */
  async presence(except: string): Promise<Present[]> {
    const others = this.#listeners.all().filter(({ shard }) => shard.name !== except);
    const parts = await Promise.all(
      others.map(({ shard }) =>
        callAgain(() => within(2_000, shardStub(this.env, shard).presenceHere(this.#name()))),
      ),
    );
    return parts.flat();
  }

  #name(): string {
    const name = this.ctx.id.name;
    if (name === undefined) throw new Error("a channel is addressed by its name");
    return name;
  }

  #tell(what: Entry | PresenceEvent): void {
    const entry: Entry = what.kind === "pub" ? what : { kind: what.kind, body: what.body };
    for (const listener of this.#listeners.all()) {
      this.ctx.waitUntil(this.#laneTo(listener.shard).push(entry));
    }
  }

  #laneTo(shard: ShardRef): Lane {
    let lane = this.#lanes.get(shard.name);
    if (lane === undefined) {
      let asked: Listener | undefined;
      lane = new Lane({
        deliver: (entries) => {
          asked = this.#listeners.get(shard.name);
          return this.#deliver(asked, entries);
        },
        onNoListeners: () => {
          if (asked !== undefined) this.#listeners.forget(shard.name, asked.registration);
        },
      });
      this.#lanes.set(shard.name, lane);
    }
    return lane;
  }

  async #deliver(listener: Listener | undefined, entries: readonly Entry[]): Promise<DeliveryResult> {
    // Forgotten while the entries waited: whoever registers again starts after them.
    if (listener === undefined) return { kind: "delivered" };
    const delivery = {
      channel: this.#name(),
      registration: listener.registration,
      logEpoch: this.#log.logEpoch,
      entries,
    };
    return callAgain(
      () =>
        within(
          this.#config.cluster.times.deliveryTimeoutMs,
          shardStub(this.env, listener.shard).deliver(delivery),
        ),
      DELIVERY_RETRY_MS,
    );
  }
}
