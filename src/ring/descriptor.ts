import { hashKey } from "./hash.ts";

/**
 * A draining shard has left the ring but is still in the descriptor, so that it hears of every epoch. A shard that is
 * `down` does not answer: it has no slot until it answers again (SPEC EL40). Any state but `active` has no slot, also for
 * release 0.2.0, which knows no `down`.
 */
export type ShardState = "active" | "draining" | "down";

/** `weight`: a whole number, 1 to {@link MAX_WEIGHT}. `region`: a Durable Object location hint. */
export type ShardSpec = {
  readonly id: string;
  readonly region: string;
  readonly weight: number;
  readonly state: ShardState;
};

/**
 * All that router, shard, coordinator, console and command line share about the ring; they compute the rest.
 *
 * `epoch` is the ring epoch; `seed` is a 32-bit unsigned number and is fixed for the life of a cluster.
 */
export type Descriptor = {
  readonly epoch: number;
  readonly seed: number;
  readonly shards: readonly ShardSpec[];
  readonly defaultRegion: string;
  /** The descriptors by which sessions may still be connected, the newest first. No part of the digest. */
  readonly earlier?: readonly Descriptor[];
  /** The shards that were removed last, the newest first: ids of sockets still name them. No part of the digest. */
  readonly former?: readonly FormerShard[];
};
export type FormerShard = Pick<ShardSpec, "id" | "region">;

/** A change of the ring while more changes than this are under way forgets the oldest of them. */
const MAX_EARLIER = 4;

/**
 * Part of every digest. MUST grow with any change of hash, points, slots, ties or canonical text: it makes two
 * releases that would compute different tables disagree aloud.
 */
const RING_ALGORITHM = 1;

// 2,048 points; more would make one shard's build dearer without making its share truer.
export const MAX_WEIGHT = 64;

// A table names its shards by 16-bit indexes.
const MAX_SHARDS = 65_535;

// Any two seeds do; together they are the 64 bits of a digest.
const DIGEST_SEEDS = [0x52494e47, 0x43415354] as const;

/** The same descriptor with its shards in the order of their ids, by UTF-16 unit and never by locale. */
export function canonical(descriptor: Descriptor): Descriptor {
  return { ...descriptor, shards: descriptor.shards.toSorted((a, b) => compareText(a.id, b.id)) };
}

/**
 * 16 hex digits that differ for any difference between descriptors, save the order of the list (RG1, RG4).
 *
 * It guards against mistakes and skew; it is no defence against a search for a collision.
 */
export function digest(descriptor: Descriptor): string {
  const { epoch, seed, defaultRegion, shards } = canonical(descriptor);
  const rows = shards.map((shard) => [shard.id, shard.region, shard.weight, shard.state]);
  // JSON quotes and escapes, so no field can pretend to be two.
  const text = JSON.stringify([RING_ALGORITHM, epoch, seed, defaultRegion, rows]);
  return DIGEST_SEEDS.map((digestSeed) => hex(hashKey(text, digestSeed))).join("");
}

/**
 * The descriptors that were in force before this one and whose moves may be under way, the newest first. Empty where
 * this one was made by a coordinator of 0.2.0, which copies the field and does not know it.
 */
export function earlierOf({ epoch, earlier = [] }: Descriptor): readonly Descriptor[] {
  return earlier[0]?.epoch === epoch - 1 ? earlier : [];
}

/** The `earlier` of the next descriptor. `settled`: every move to `present` is done. */
export function nextEarlier(present: Descriptor, { settled }: { readonly settled: boolean }): Descriptor[] {
  const { earlier: _earlier, former: _former, ...own } = present;
  return [own, ...(settled ? [] : earlierOf(present))].slice(0, MAX_EARLIER);
}

/** Nobody is told of more shards that were removed. */
const MAX_FORMER = 64;

/** The `former` of the next descriptor; absent where no shard was removed. */
export function nextFormer(
  present: Descriptor,
  next: Pick<Descriptor, "shards">,
): Pick<Descriptor, "former"> {
  // A shard that has changed its region is another object (contracts/address.ts).
  const members = new Set(next.shards.map(nameOf));
  const former = [...present.shards.map(({ id, region }) => ({ id, region })), ...(present.former ?? [])]
    .filter((shard) => !members.has(nameOf(shard)))
    .slice(0, MAX_FORMER);
  return former.length === 0 ? {} : { former };
}

const nameOf = ({ id, region }: FormerShard): string => `${region}/${id}`;

export type ShardsRefusal =
  | { readonly kind: "tooManyShards"; readonly most: number }
  | { readonly kind: "badWeight"; readonly id: string; readonly weight: number }
  | { readonly kind: "duplicateId"; readonly id: string }
  | { readonly kind: "hashCollision"; readonly id: string; readonly other: string };
export type ShardsCheck = { readonly ok: true } | { readonly ok: false; readonly reason: ShardsRefusal };

/**
 * Whether a ring can be built from the shards (RG8).
 *
 * Two ids of one hash would have the same points, and one of the two would own nothing.
 */
export function checkShards(descriptor: Descriptor): ShardsCheck {
  if (descriptor.shards.length > MAX_SHARDS) return refuse({ kind: "tooManyShards", most: MAX_SHARDS });
  const idByHash = new Map<number, string>();
  for (const { id, weight } of descriptor.shards) {
    if (!Number.isInteger(weight) || weight < 1 || weight > MAX_WEIGHT)
      return refuse({ kind: "badWeight", id, weight });
    const hash = hashKey(id, descriptor.seed);
    const other = idByHash.get(hash);
    if (other === id) return refuse({ kind: "duplicateId", id });
    if (other !== undefined) return refuse({ kind: "hashCollision", id, other });
    idByHash.set(hash, id);
  }
  return { ok: true };
}

const refuse = (reason: ShardsRefusal): ShardsCheck => ({ ok: false, reason });

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const hex = (n: number): string => n.toString(16).padStart(8, "0");
