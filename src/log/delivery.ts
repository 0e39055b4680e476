import type { Config } from "../config.ts";
import { DIRECT_MAX } from "../fanout/tree.ts";
import { within } from "../platform/call.ts";
import { fanOut } from "../fanout/fan-out.ts";
import { shardStub, type ShardRef } from "../platform/stubs.ts";
import type { Delivery, DeliveryResult } from "../contracts/delivery.ts";

type Parcel = {
  readonly shard: ShardRef;
  readonly delivery: Delivery;
  readonly resolve: (result: DeliveryResult) => void;
  readonly reject: (error: Error) => void;
};

/**
 * Brings deliveries to shards. The same entries for more than 32 shards in one turn go down a tree of shards; each
 * shard keeps its own place in the log and its own answer, however the entries came to it.
 */
export class Courier {
  readonly #env: Cloudflare.Env;
  readonly #timeoutMs: number;
  #parcels: Parcel[] = [];

  constructor(env: Cloudflare.Env, config: Config) {
    this.#env = env;
    this.#timeoutMs = config.cluster.times.deliveryTimeoutMs;
  }

  /** Rejects where the shard was not reached; then it may still have been. `alone`: not in company, a second try. */
  deliver(shard: ShardRef, delivery: Delivery, alone: boolean): Promise<DeliveryResult> {
    if (alone) return this.#direct(shard, delivery);
    return new Promise((resolve, reject) => {
      this.#parcels.push({ shard, delivery, resolve, reject });
      if (this.#parcels.length === 1) queueMicrotask(() => this.#send());
    });
  }

  #direct(shard: ShardRef, delivery: Delivery): Promise<DeliveryResult> {
    return within(this.#timeoutMs, shardStub(this.#env, shard).deliver(delivery));
  }

  #send(): void {
    const parcels = this.#parcels;
    this.#parcels = [];
    for (const group of groupEqual(parcels)) {
      if (group.length > DIRECT_MAX) void this.#sendTogether(group);
      else
        for (const { shard, delivery, resolve, reject } of group)
          this.#direct(shard, delivery).then(resolve, reject);
    }
  }

  async #sendTogether(group: readonly Parcel[]): Promise<void> {
    const [first] = group;
    if (first === undefined) return;
    const { registration: _number, mayRepeat: _may, ...delivery } = first.delivery;
    const targets = group.map(({ shard, delivery: { registration, mayRepeat } }) => ({
      ...shard,
      registration,
      mayRepeat,
    }));
    // Whoever is not reached is tried again by its lane, alone.
    const to = { targets, waitMs: this.#timeoutMs, repeat: false };
    const { outcomes } = await fanOut(this.#env, { kind: "deliver", delivery }, to);
    const byName = new Map(outcomes.map((outcome) => [outcome.name, outcome.done]));
    for (const { shard, resolve, reject } of group) {
      const done = byName.get(shard.name) ?? null;
      if (done === null) reject(new Error(`shard ${shard.name} was not reached down the tree`));
      else resolve({ kind: done.noListeners ? "noListeners" : "delivered", sessions: done.sessions });
    }
  }
}

/** Deliveries that differ in nothing but whom they are for. */
function groupEqual(parcels: readonly Parcel[]): Parcel[][] {
  const groups: Parcel[][] = [];
  for (const parcel of parcels) {
    const group = groups.find(
      ([first]) => first !== undefined && saysTheSame(first.delivery, parcel.delivery),
    );
    if (group === undefined) groups.push([parcel]);
    else group.push(parcel);
  }
  return groups;
}

const saysTheSame = (one: Delivery, other: Delivery): boolean =>
  one.logEpoch === other.logEpoch &&
  one.since === other.since &&
  one.entries.length === other.entries.length &&
  one.entries.every((entry, n) => entry === other.entries[n]);
