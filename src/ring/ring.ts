import { canonical, digest, earlierOf, type Descriptor, type ShardSpec } from "./descriptor.ts";
import { explain, type Explanation } from "./explain.ts";
import type { Placement } from "./placement.ts";
import { buildTable, SLOT_COUNT, SLOT_SHIFT } from "./table.ts";

/** How many owners a key has: the first, and those that it may spill to. */
export const OWNERS = 3;

/**
 * The owners of keys under one descriptor (RG1 to RG7). Made by `buildRing`, which checks the descriptor first.
 *
 * Only active shards own slots. Each region has a ring of its own, whose table is built at its first use.
 */
export class Ring {
  /** Canonical: the indexes in a table are indexes into its `shards`. */
  readonly descriptor: Descriptor;
  readonly placement: Placement;
  readonly #membersByRegion: ReadonlyMap<string, readonly number[]>;
  readonly #fallbackRegion: string | undefined;
  readonly #tables = new Map<string, Uint16Array>();
  #digest: string | undefined;
  #earlier: readonly Ring[] | undefined;

  constructor(descriptor: Descriptor, placement: Placement) {
    this.descriptor = canonical(descriptor);
    this.placement = placement;
    this.#membersByRegion = groupActive(this.descriptor.shards);
    this.#fallbackRegion = this.#membersByRegion.has(descriptor.defaultRegion)
      ? descriptor.defaultRegion
      : this.regions()[0];
  }

  get digest(): string {
    this.#digest ??= digest(this.descriptor);
    return this.#digest;
  }

  /** The rings by which sessions may still be connected, the newest first. The seed is that of the cluster. */
  get earlier(): readonly Ring[] {
    this.#earlier ??= earlierOf(this.descriptor).map((descriptor) => new Ring(descriptor, this.placement));
    return this.#earlier;
  }

  /** The regions that have active shards, ascending. */
  regions(): string[] {
    return [...this.#membersByRegion.keys()].toSorted();
  }

  slot(key: string): number {
    return this.placement.hash(key) >>> SLOT_SHIFT;
  }

  /**
   * The region that serves a client's region (RG5): itself if it has active shards, else the default region, else
   * the first that has any, by name; `undefined` when no shard is active.
   */
  regionOf(clientRegion: string): string | undefined {
    return this.#membersByRegion.has(clientRegion) ? clientRegion : this.#fallbackRegion;
  }

  /** The region that serves the clients of regions without shards; `undefined` when no shard is active. */
  get homeRegion(): string | undefined {
    return this.#fallbackRegion;
  }

  /**
   * The region by which a connection is placed: the client's own, or the home region where the router has found that the
   * region which would serve the client does not answer (SPEC EL42).
   */
  placingRegion(client: {
    readonly clientRegion: string;
    readonly unreachable?: string | undefined;
  }): string {
    const { clientRegion, unreachable } = client;
    if (unreachable === undefined || unreachable !== this.regionOf(clientRegion)) return clientRegion;
    return this.#fallbackRegion ?? clientRegion;
  }

  /** The owner of each slot in a region, as indexes into `descriptor.shards`. MUST NOT be written to. */
  table(region: string): Uint16Array | undefined {
    const known = this.#tables.get(region);
    if (known !== undefined) return known;
    const members = this.#membersByRegion.get(region);
    if (members === undefined) return undefined;
    const table = buildTable(this.descriptor.shards, members, this.placement.points);
    this.#tables.set(region, table);
    return table;
  }

  /** `undefined` when no shard is active. */
  owner(key: string, clientRegion: string): ShardSpec | undefined {
    return this.ownerOfSlot(this.slot(key), clientRegion);
  }

  ownerOfSlot(slot: number, clientRegion: string): ShardSpec | undefined {
    const region = this.regionOf(clientRegion);
    if (region === undefined) return undefined;
    const index = this.table(region)?.[slot];
    return index === undefined ? undefined : this.descriptor.shards[index];
  }

  /**
   * The owner of a key and those that it spills to, in that order: the distinct shards met clockwise from the
   * key's slot, at most `limit`, all of one region (RG7).
   */
  owners(key: string, clientRegion: string, limit: number = OWNERS): ShardSpec[] {
    const region = this.regionOf(clientRegion);
    const table = region === undefined ? undefined : this.table(region);
    if (region === undefined || table === undefined) return [];
    // Without this bound a small region would be walked all the way round for a shard that it does not have.
    const wanted = Math.min(limit, this.#membersByRegion.get(region)?.length ?? 0);
    const found = new Set<ShardSpec>();
    const start = this.slot(key);
    for (let step = 0; step < SLOT_COUNT && found.size < wanted; step++) {
      const shard = this.descriptor.shards[table[(start + step) % SLOT_COUNT] ?? 0];
      if (shard !== undefined) found.add(shard);
    }
    return [...found];
  }

  explain(key: string, clientRegion: string): Explanation {
    return explain(this, key, clientRegion);
  }

  /** The part of its own region's slots that each shard owns, 0 to 1, by shard id; 0 for a draining one (RG3). */
  share(): Map<string, number> {
    const slots = new Uint32Array(this.descriptor.shards.length);
    for (const region of this.#membersByRegion.keys()) {
      for (const index of this.table(region) ?? []) slots[index] = (slots[index] ?? 0) + 1;
    }
    return new Map(
      this.descriptor.shards.map((shard, index) => [shard.id, (slots[index] ?? 0) / SLOT_COUNT]),
    );
  }
}

function groupActive(shards: readonly ShardSpec[]): Map<string, number[]> {
  const members = new Map<string, number[]>();
  for (const [index, shard] of shards.entries()) {
    if (shard.state !== "active") continue;
    const region = members.get(shard.region);
    if (region === undefined) members.set(shard.region, [index]);
    else region.push(index);
  }
  return members;
}
