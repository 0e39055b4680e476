/** Search, filters and order of the list of shards. */

/** The values that the list is searched, filtered and sorted by. Null is unknown, and last in every order. */
export type ListedShard = {
  readonly id: string;
  readonly region: string;
  readonly state: string;
  readonly weight: number;
  readonly share: number;
  readonly sessions: number | null;
  readonly load: number | null;
  readonly framesPerSecond: number | null;
  readonly deliveriesPerSecond: number | null;
  readonly behind: boolean;
  /** No pulse for a while. */
  readonly stale: boolean;
};

export const SORTS = [
  "id",
  "state",
  "region",
  "weight",
  "share",
  "sessions",
  "load",
  "framesPerSecond",
  "deliveriesPerSecond",
] as const satisfies readonly (keyof ListedShard)[];
export type Sort = (typeof SORTS)[number];
export type Order = "up" | "down";

/** Texts sort upwards at first, and numbers downwards. */
export const firstOrder = (sort: Sort): Order => (TEXTS.has(sort) ? "up" : "down");
const TEXTS: ReadonlySet<Sort> = new Set(["id", "state", "region"]);

/** The states of a shard in the ring, and two that follow from what it says. */
export const STATES = ["active", "draining", "down", "leaving", "behind", "silent"] as const;

export type ShardFilter = {
  /** A part of the id. */
  readonly find: string;
  readonly region: string;
  readonly state: string;
  readonly sort: Sort;
  readonly order: Order;
};

/** Reads a filter of an address. A word that it does not know counts as absent. */
export function readFilter(query: Readonly<Record<string, string>>): ShardFilter {
  const sort = SORTS.find((one) => one === query["sort"]) ?? "id";
  const { order } = query;
  return {
    find: query["find"] ?? "",
    region: query["region"] ?? "",
    state: STATES.find((one) => one === query["state"]) ?? "",
    sort,
    order: order === "up" || order === "down" ? order : firstOrder(sort),
  };
}

/** Sorts `auto-9` before `auto-10`. */
const byName = new Intl.Collator("en", { numeric: true });

/** The shards that a filter names, in its order; of equal ones the order is that of the ids (SPEC OP18). */
export function listShards<Shard extends ListedShard>(
  shards: readonly Shard[],
  filter: ShardFilter,
): readonly Shard[] {
  const { find, region, state, sort, order } = filter;
  const wanted = find.trim().toLowerCase();
  const sign = order === "up" ? 1 : -1;
  return shards
    .filter(
      (shard) =>
        shard.id.toLowerCase().includes(wanted) &&
        (region === "" || shard.region === region) &&
        (state === "" || isIn(shard, state)),
    )
    .toSorted((a, b) => compare(a[sort], b[sort], sign) || byName.compare(a.id, b.id));
}

/** The shards that need a look first, then the fullest: for a page with room for `most` of them. */
export function mostNotable<Shard extends ListedShard>(
  shards: readonly Shard[],
  most: number,
): readonly Shard[] {
  if (shards.length <= most) return shards;
  const trouble = ({ state, behind }: Shard): number => Number(state !== "active" || behind);
  return shards
    .toSorted(
      (a, b) => trouble(b) - trouble(a) || compare(a.sessions, b.sessions, -1) || byName.compare(a.id, b.id),
    )
    .slice(0, most);
}

function isIn(shard: ListedShard, state: string): boolean {
  if (state === "behind") return shard.behind;
  if (state === "silent") return shard.stale;
  return shard.state === state;
}

function compare(a: string | number | null, b: string | number | null, sign: number): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * byName.compare(String(a), String(b));
}
