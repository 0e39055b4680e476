import { buildRing } from "../../ring/build.ts";
import { OWNERS, type Ring } from "../../ring/ring.ts";
import { digest, type Descriptor, type FormerShard, type ShardSpec } from "../../ring/descriptor.ts";
import { hasShard } from "../../contracts/descriptor.ts";
import { objectName } from "../../contracts/address.ts";
import type { Live } from "../connections/session.ts";

/** The newest descriptor that a shard has been shown, kept for ever: also a removed shard shows the way. */
export class Membership {
  readonly #storage: DurableObjectStorage;
  readonly #name: string;
  /** Undefined before the first descriptor. */
  ring: Ring | undefined;

  constructor(storage: DurableObjectStorage, name: string) {
    this.#storage = storage;
    this.#name = name;
    const descriptor = storage.kv.get<Descriptor>("descriptor");
    if (descriptor !== undefined) this.ring = buildRing(descriptor);
  }

  /** 0 before the first descriptor. */
  get ringEpoch(): number {
    return this.ring?.descriptor.epoch ?? 0;
  }

  get digest(): string {
    return this.ring?.digest ?? "";
  }

  /** Whether there is an object of such a shard, also of one that was removed. */
  isShard(named: FormerShard): boolean {
    return this.ring !== undefined && hasShard(this.ring.descriptor, named);
  }

  /** This shard as the descriptor has it; undefined when it is not (or no longer) a member. */
  get self(): ShardSpec | undefined {
    return this.ring?.descriptor.shards.find((shard) => objectName(shard) === this.#name);
  }

  /** Adopts a newer descriptor; answers false for any other. */
  adopt(descriptor: Descriptor): boolean {
    if (descriptor.epoch <= this.ringEpoch) return false;
    this.#store(descriptor);
    return true;
  }

  /** Adopts the coordinator's own word: also another descriptor of the same epoch. False if nothing changed. */
  correct(descriptor: Descriptor): boolean {
    if (descriptor.epoch < this.ringEpoch || digest(descriptor) === this.digest) return false;
    this.#store(descriptor);
    return true;
  }

  #store(descriptor: Descriptor): void {
    const ring = buildRing(descriptor);
    this.#storage.kv.put("descriptor", descriptor);
    // Only what is stored is believed: a shard that is told again goes by it then.
    this.ring = ring;
  }
}

/** The region by which a ring places a session: for a guest it is the one that has taken it. */
export function placedBy(
  ring: Ring,
  { clientRegion, guestOf }: Pick<Live, "clientRegion" | "guestOf">,
): string {
  const unreachable = guestOf !== undefined && isRegionGuest(ring, guestOf) ? guestOf.region : undefined;
  return ring.placingRegion({ clientRegion, unreachable });
}

/** Whether a guest is one by this ring, and its region has not answered again. */
export const isRegionGuest = (ring: Ring, { ringEpoch, isOver }: NonNullable<Live["guestOf"]>): boolean =>
  ringEpoch === ring.descriptor.epoch && isOver !== true;

/**
 * A session stays while its shard is the key's owner; one that had spilled to a later owner stays while the shard
 * is among the first three. Predictions and moves both ask this.
 */
export function mustMove(
  ring: Ring,
  shardName: string,
  session: Pick<Live, "key" | "clientRegion" | "rank" | "guestOf">,
): boolean {
  const limit = session.rank === 0 ? 1 : OWNERS;
  const owners = ring.owners(session.key, placedBy(ring, session), limit);
  return !owners.some((owner) => objectName(owner) === shardName);
}
