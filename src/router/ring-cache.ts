import { FIRST_FRONT, objectName, shardAddress, type ShardAddress } from "../contracts/address.ts";
import { Failures } from "../platform/failures.ts";
import { buildRing } from "../ring/build.ts";
import { earlierOf, type Descriptor } from "../ring/descriptor.ts";
import type { Ring } from "../ring/ring.ts";
import { Refusals } from "./refusals.ts";
import type { Verdicts } from "./reach.ts";

/** Shards that have left the ring close their connections within minutes. */
const REMOVED_KEPT = 64;

/**
 * The newest ring that this isolate has seen (docs/platform.md P27).
 *
 * The cache begins with the configured shards as epoch 0. It does not expire: shards correct it when it is wrong.
 */
export class RingCache {
  /** Only this class sets it. */
  ring: Ring;
  /** The address of each shard of the ring, by shard id, for the first front. Only this class sets it. */
  addresses: ReadonlyMap<string, ShardAddress>;

  /** At most one for each region of the ring. */
  readonly verdicts: Verdicts = new Map();
  /** The shards that have no session left which the ring gives to another shard, by the key of the address. */
  readonly settled = new Set<string>();
  /** The calls to shards that this isolate has seen fail. */
  readonly failures = new Failures();
  readonly refusals: Refusals;

  /** The names of shards that have left the ring, the oldest first; their connections may still be there. */
  readonly #removed = new Set<string>();
  #names: ReadonlySet<string>;
  /**
   * When the coordinator was last asked about a shard that is not in the ring, and whether it has answered. No promise, as
   * a request that is cut off settles none.
   */
  looked: { readonly at: number; isOver: boolean } = { at: 0, isOver: true };

  constructor(configured: Descriptor, refusals = new Refusals()) {
    this.refusals = refusals;
    this.ring = buildRing(configured);
    this.addresses = addressesOf(this.ring);
    this.#names = namesOf(configured);
  }

  /** Whether a shard is in the ring, or lately was. */
  knows({ name }: ShardAddress): boolean {
    return this.#names.has(name) || this.#removed.has(name);
  }

  /** Whether a shard is out of the ring because it does not answer (SPEC EL40). */
  isDown({ id, region }: ShardAddress): boolean {
    return this.ring.descriptor.shards.some(
      (shard) => shard.id === id && shard.region === region && shard.state === "down",
    );
  }

  /** Takes a descriptor that a shard has shown, if its epoch is newer. */
  adopt(descriptor: Descriptor): void {
    if (descriptor.epoch > this.ring.descriptor.epoch) this.#replace(descriptor);
  }

  /** Takes the coordinator's descriptor, which also replaces another descriptor of the same epoch. */
  correct(descriptor: Descriptor): void {
    if (descriptor.epoch >= this.ring.descriptor.epoch) this.#replace(descriptor);
  }

  #replace(descriptor: Descriptor): void {
    // A guest that comes now would stay until another epoch.
    if (descriptor.epoch !== this.ring.descriptor.epoch) this.verdicts.clear();
    const before = [...this.#names, ...earlierOf(descriptor).flatMap((earlier) => [...namesOf(earlier)])];
    this.ring = buildRing(descriptor);
    this.addresses = addressesOf(this.ring);
    this.#names = namesOf(descriptor);
    for (const name of before) if (!this.#names.has(name)) this.#removed.add(name);
    for (const name of this.#removed) {
      if (this.#removed.size <= REMOVED_KEPT) break;
      this.#removed.delete(name);
    }
    this.settled.clear();
  }
}

const namesOf = ({ shards }: Descriptor): ReadonlySet<string> => new Set(shards.map(objectName));

const addressesOf = ({ descriptor }: Ring): ReadonlyMap<string, ShardAddress> =>
  new Map(descriptor.shards.map((shard) => [shard.id, shardAddress(FIRST_FRONT, shard)]));
