import type { ClusterConfig } from "../../config/cluster.ts";
import { diff, type Move } from "../../ring/diff.ts";
import type { Ring } from "../../ring/ring.ts";
import { SLOT_COUNT } from "../../ring/table.ts";

/**
 * The slots that have moved since the changes of the ring that may still be under way. Every source goes by the same
 * list, so that their parts of a destination are one whole. Where the descriptor does not name those changes, it is the
 * last one: from `before`, the ring until now.
 */
export function movesUnderWay(ring: Ring, before: Ring | undefined): Move[] {
  const earlier = ring.earlier.length > 0 || before === undefined ? ring.earlier : [before];
  return earlier.flatMap((one) => diff(one, ring).moves);
}

type MovedSlots = Pick<Move, "from" | "to" | "slots">;

/** The way of guests home: each shard of the region that has taken them may have as many as its share of the slots. */
export function movesHome(ring: Ring, destinations: ReadonlySet<string>): MovedSlots[] {
  const shares = ring.share();
  const hosts = ring.descriptor.shards.filter(({ region }) => region === ring.homeRegion);
  return [...destinations].flatMap((to) =>
    hosts.map(({ id }) => ({ from: id, to, slots: (shares.get(id) ?? 0) * SLOT_COUNT })),
  );
}

/**
 * The part of each destination's intake that this shard may use, in sessions a second.
 *
 * A destination takes `perSecondToOneShard` over all its sources; each source's part is that of the slots it gives.
 * A destination that gets none of its slots from here still gets a trickle: a straggler must not wait for ever.
 */
export function planPace(plan: {
  readonly shard: string;
  readonly destinations: Iterable<string>;
  readonly moves: readonly MovedSlots[];
  readonly limits: ClusterConfig["moves"];
}): Map<string, number> {
  const pace = new Map<string, number>();
  for (const destination of plan.destinations) {
    const arriving = plan.moves.filter((move) => move.to === destination);
    const total = arriving.reduce((sum, move) => sum + move.slots, 0);
    const ours = arriving.reduce((sum, move) => sum + (move.from === plan.shard ? move.slots : 0), 0);
    const part = total === 0 ? 0 : (ours / total) * plan.limits.perSecondToOneShard;
    pace.set(destination, Math.max(part, TRICKLE_PER_SECOND));
  }
  return pace;
}
const TRICKLE_PER_SECOND = 5;

/** A session on its way, with what the pace needs to know of it. */
export type Leaving<Item> = { readonly item: Item; readonly destination: string };

export type Budget = { readonly total: number; readonly byDestination: ReadonlyMap<string, number> };

/**
 * Chooses the items that leave in this tick (SPEC MV3). `elapsedMs` is the time since the last one; unused budget does not
 * pile up beyond one second of it. Returns the chosen, the rest, and the budget that is left.
 */
export function stepMoves<Item>(step: {
  readonly leaving: readonly Leaving<Item>[];
  readonly ready: (item: Item) => boolean;
  readonly pace: ReadonlyMap<string, number>;
  readonly perSecondFromOneShard: number;
  readonly budget: Budget;
  readonly elapsedMs: number;
}): { readonly now: Item[]; readonly later: Leaving<Item>[]; readonly budget: Budget } {
  const seconds = step.elapsedMs / 1000;
  let total = Math.min(step.perSecondFromOneShard, step.budget.total + step.perSecondFromOneShard * seconds);
  const byDestination = new Map<string, number>();
  for (const [destination, pace] of step.pace) {
    const filled = (step.budget.byDestination.get(destination) ?? 0) + pace * seconds;
    byDestination.set(destination, Math.min(Math.max(pace, 1), filled));
  }
  const now: Item[] = [];
  const later: Leaving<Item>[] = [];
  for (const one of step.leaving) {
    const room = byDestination.get(one.destination) ?? 0;
    if (total < 1 || room < 1 || !step.ready(one.item)) {
      later.push(one);
      continue;
    }
    total -= 1;
    byDestination.set(one.destination, room - 1);
    now.push(one.item);
  }
  return { now, later, budget: { total, byDestination } };
}
