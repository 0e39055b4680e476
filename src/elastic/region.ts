import { largestPart, NO_LOAD, sumOfParts, type LoadPart, type LoadParts } from "./load.ts";
import { isJoining, type Member, type ScalePolicy } from "./policy.ts";

/** The load of one region's active shards. */
export type RegionLoad = {
  readonly region: string;
  readonly active: readonly Member[];
  readonly fullest: { readonly id: string; readonly part: LoadPart; readonly value: number };
  /** The largest part of the mean load. */
  readonly mean: number;
  readonly refused: number;
  /** Calls that its full-weight shards have refused as overloaded, as callers saw. */
  readonly overloaded: number;
  /** Calls to one of its shards have failed lately. */
  readonly isTroubled: boolean;
  /** How many shards would bring the mean to the target. */
  readonly needed: number;
};

type Counting = {
  readonly policy: ScalePolicy;
  readonly isMoving: boolean;
  /** The shard has joined, or got more weight, with the last growth. */
  readonly isNew: (member: Member) => boolean;
};

export function loadsByRegion(members: readonly Member[], counting: Counting): RegionLoad[] {
  const regions = [...new Set(members.map(({ region }) => region))];
  return regions.map((region) => {
    const active = members.filter((member) => member.region === region && member.state === "active");
    const loads = active.map((member) => ({ id: member.id, ...largestPart(partsOf(member)) }));
    const fullest = loads.reduce<RegionLoad["fullest"]>(
      (most, one) => (one.value > most.value ? one : most),
      {
        id: "",
        part: "sockets",
        value: 0,
      },
    );
    const all = totalOf(active);
    const certain = totalOf(counted(active, counting));
    return {
      region,
      active,
      fullest,
      mean: active.length === 0 ? 0 : all / active.length,
      refused: active.reduce((sum, { load }) => sum + (load?.refused ?? 0), 0),
      // A shard that is joining takes no further step meanwhile, which helps it more than another shard.
      overloaded: active.reduce((sum, one) => sum + (isJoining(one) ? 0 : (one.callers?.overloaded ?? 0)), 0),
      isTroubled: active.some(({ callers }) => callers !== undefined),
      // A sum of decimal fractions may be a little more than a whole number.
      needed: Math.ceil(certain / counting.policy.target - 1e-9),
    };
  });
}

/** The shards that count towards the fewest and the most: a shard that is down comes back. */
export const membersThatStay = (members: readonly Member[]): readonly Member[] =>
  members.filter(({ state }) => state !== "draining");

/** The largest part of the load of some shards together. */
export const totalOf = (members: readonly Member[]): number =>
  largestPart(sumOfParts(members.map(partsOf))).value;

const partsOf = ({ load }: Member): LoadParts => load?.parts ?? NO_LOAD;

/**
 * While sessions move, a session may be in the reports of two shards. So a shard that is joining does not count, unless
 * it is itself above the mark.
 */
function counted(active: readonly Member[], { policy, isMoving, isNew }: Counting): readonly Member[] {
  if (!isMoving) return active;
  const isFull = active.some((member) => isNew(member) && largestPart(partsOf(member)).value >= policy.mark);
  return isFull ? active : active.filter((member) => !isNew(member));
}

/** The sessions of all shards by the region of the client. */
export function clientsByRegion(members: readonly Member[]): ReadonlyMap<string, number> {
  const clients = new Map<string, number>();
  for (const { load } of members)
    for (const [region, count] of Object.entries(load?.clients ?? {}))
      clients.set(region, (clients.get(region) ?? 0) + count);
  return clients;
}

/** The load that the clients of a region make, as a number of full shards. */
export const loadFrom = (region: string, members: readonly Member[]): number =>
  members.reduce((sum, member) => {
    const clients = member.load?.clients ?? {};
    const all = Object.values(clients).reduce((total, count) => total + count, 0);
    return all === 0 ? sum : sum + (largestPart(partsOf(member)).value * (clients[region] ?? 0)) / all;
  }, 0);
