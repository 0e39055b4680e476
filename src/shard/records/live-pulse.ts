import { FIRST_FRONT, type ShardAddress } from "../../contracts/address.ts";
import type { Pulse } from "../../contracts/live.ts";
import { publishLive } from "../../platform/live-channel.ts";
import type { Counters } from "./counters.ts";

const PULSE_MS = 1_000;

export type Vitals = Pick<
  Pulse,
  "ringEpoch" | "sessions" | "subscriptions" | "channels" | "namespaces" | "events"
>;
/** A shard in the feed; see `Pulse`. */
type Name = Pick<Pulse, "shard" | "front">;

/**
 * A shard's part in the live feed: a pulse each second until `watch` runs out, and then nothing (SPEC OP2).
 *
 * While it is watched its timer keeps the object awake; so one that comes to life within a watch has lost the
 * instance before it, and says so.
 */
export class LivePulse {
  readonly #ctx: DurableObjectState;
  readonly #env: RingcastEnv;
  readonly #name: Name;
  readonly #counters: Counters;
  readonly #vitals: () => Vitals;
  #until = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #pulsedAt = 0;

  constructor(parts: {
    ctx: DurableObjectState;
    env: RingcastEnv;
    shard: ShardAddress;
    counters: Counters;
    vitals: () => Vitals;
  }) {
    this.#ctx = parts.ctx;
    this.#env = parts.env;
    const { front, id } = parts.shard;
    this.#name = { shard: id, ...(front === FIRST_FRONT ? {} : { front }) };
    this.#counters = parts.counters;
    this.#vitals = parts.vitals;
  }

  wake(now: number): void {
    const until = this.#ctx.storage.kv.get<number>("watchedUntil") ?? 0;
    if (until <= now) return;
    this.#ctx.waitUntil(publishLive(this.#env, { kind: "restarted", at: now, ...this.#name }));
    this.#start(until, now);
  }

  /** An operator watches until then; a shorter watch does not end a longer one. */
  watch(until: number, now: number): void {
    if (until <= Math.max(now, this.#until)) return;
    this.#ctx.storage.kv.put("watchedUntil", until);
    this.#start(until, now);
  }

  #start(until: number, now: number): void {
    this.#until = until;
    if (this.#timer !== null) return;
    this.#counters.take();
    this.#counters.isWatched = true;
    this.#pulsedAt = now;
    this.#timer = setTimeout(() => this.#pulse(), 0);
  }

  #pulse(): void {
    const now = Date.now();
    if (now >= this.#until) {
      this.#timer = null;
      this.#counters.isWatched = false;
      this.#ctx.storage.kv.delete("watchedUntil");
      return;
    }
    // First, so that a pulse that throws is not the last one.
    this.#timer = setTimeout(() => this.#pulse(), PULSE_MS);
    const pulse: Pulse = {
      kind: "pulse",
      at: now,
      ...this.#name,
      ...this.#vitals(),
      intervalMs: Math.max(1, now - this.#pulsedAt),
      ...this.#counters.take(),
    };
    this.#pulsedAt = now;
    void publishLive(this.#env, pulse);
  }
}
