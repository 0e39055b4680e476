import { addressKey, shardAddress, type ShardAddress } from "../contracts/address.ts";
import type { RingShard, Store } from "./store.ts";

/** The shards of the cluster, as the objects of every front that the deployment has (SPEC FR2). */
export class Members {
  readonly #store: Store;
  readonly fronts: readonly string[];

  constructor(store: Store, fronts: readonly string[]) {
    this.#store = store;
    this.fronts = fronts;
  }

  /** The objects of one shard. */
  objectsOf(shard: RingShard): ShardAddress[] {
    return this.fronts.map((front) => shardAddress(front, shard));
  }

  /** Every object that may have sessions: of the members, and of the shards that left and may not be empty yet. */
  holders(): ShardAddress[] {
    return [...this.#store.descriptor.shards, ...this.#store.leaving()].flatMap((shard) =>
      this.objectsOf(shard),
    );
  }

  /** Whether a shard is out of the ring because it does not answer. */
  isDown(shard: RingShard): boolean {
    const spec = this.#store.descriptor.shards.find(({ id }) => id === shard.id);
    return spec?.state === "down" && spec.region === shard.region;
  }

  /** The holders by the key of their address. */
  holderKeys(): Set<string> {
    return new Set(this.holders().map(addressKey));
  }
}

/** The ids of some shards' objects, each once. */
export const idsOf = (shards: readonly RingShard[]): string[] => [...new Set(shards.map(({ id }) => id))];
