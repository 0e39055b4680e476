import {
  LOW_PART,
  type Decision,
  type Member,
  type Memory,
  type PastDecision,
  type Situation,
} from "./policy.ts";
import { act, hold, type Choice } from "./choice.ts";
import { grow, openRegion, toMinimum } from "./grow.ts";
import { stepJoining } from "./join.ts";
import { loadsByRegion, membersThatStay, type RegionLoad } from "./region.ts";
import { shrink } from "./shrink.ts";

export type Decided = {
  readonly decision: Decision;
  readonly memory: Memory;
  /** When the policy is to be asked again without a report, ms since 1970; undefined if only a report can change it. */
  readonly askAgainAt: number | undefined;
};

/** More decisions than the policy makes within `settleMs`, which the rules look back at. */
const REMEMBERED = 256;

/**
 * The change of the ring that the loads ask for, if any (SPEC EL). One change at a time.
 *
 * Growth comes first: at once under pressure, else when the last move has ended. Then the steps of shards that are
 * joining. Shrinking comes last, one shard at a time.
 */
export function decide(situation: Situation): Decided {
  const { members, policy, now } = situation;
  const regions = loadsByRegion(members, {
    policy,
    isMoving: situation.movingUntil !== undefined,
    isNew: isNewIn(situation.memory),
  });
  const memory = { ...situation.memory, lowSince: lowSince(regions, situation) };
  const known = { ...situation, memory };
  const { decision, askAgainAt } = choose(known, regions);
  const past = toPast(decision, { regions, members, now });
  const decisions = past === undefined ? memory.decisions : [...memory.decisions, past].slice(-REMEMBERED);
  return {
    decision,
    memory: { ...memory, decisions },
    askAgainAt: decision.kind === "hold" ? firstOf(askAgainAt, troubledUntil(situation)) : askAgainAt,
  };
}

/** When what callers have seen of a shard says nothing more of it. At the minimum nothing waits for that (SPEC EL10). */
function troubledUntil({ members, policy }: Situation): number | undefined {
  if (membersThatStay(members).length <= policy.min) return undefined;
  const times = members.flatMap(({ callers }) => callers?.until ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

const firstOf = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);

function choose(situation: Situation, regions: readonly RegionLoad[]): Choice {
  const { policy, movingUntil, now, memory } = situation;
  const byFullest = regions.toSorted((a, b) => b.fullest.value - a.fullest.value);
  const held: string[] = [];
  for (const region of byFullest.filter((one) => isPressed(one, situation))) {
    const decision = grow(situation, region, { isPressed: true });
    if (decision.kind !== "hold") return act(decision);
    held.push(decision.reason);
  }
  const count = membersThatStay(situation.members).length;
  if (count < policy.min) {
    const growth = toMinimum(situation, count);
    return growth.kind === "hold" ? hold(growth.reason, now + policy.reportMs) : act(growth);
  }
  if (movingUntil !== undefined) return hold(held[0] ?? "sessions are moving", movingUntil);

  const step = stepJoining(situation);
  if (step !== undefined) return step;

  const last = memory.decisions.at(-1);
  const earliest = last === undefined ? now : last.at + 2 * policy.reportMs;
  const wanting = byFullest.find(({ fullest }) => fullest.value >= policy.mark);
  const growth =
    wanting === undefined ? openRegion(situation, regions) : grow(situation, wanting, { isPressed: false });
  if (growth === undefined) return shrink(situation, regions, earliest);
  if (growth.kind !== "add") return hold(growth.reason, undefined);
  const dueAt = Math.max(earliest, settledAfterDrain(growth.region, situation));
  if (now < dueAt) return hold(held[0] ?? `${growth.reason}, and the last change is too young`, dueAt);
  return act(growth);
}

/** A region without pressure grows only when its last drain has settled: growth would undo it. */
function settledAfterDrain(region: string, { memory, policy }: Situation): number {
  const drain = memory.decisions.findLast((past) => past.region === region && past.kind === "drain");
  return drain === undefined ? -Infinity : drain.at + policy.settleMs;
}

/** A shard refuses clients or calls, or is so full that it soon will. */
const isPressed = ({ fullest, refused, overloaded }: RegionLoad, { policy }: Situation): boolean =>
  refused > 0 || overloaded > 0 || fullest.value >= policy.pressureMark;

function lowSince(
  regions: readonly RegionLoad[],
  { policy, memory, now }: Situation,
): Readonly<Record<string, number>> {
  const low = regions.filter(
    ({ active, mean, refused, isTroubled }) =>
      active.length > 0 && refused === 0 && !isTroubled && mean < policy.mark * LOW_PART,
  );
  return Object.fromEntries(low.map(({ region }) => [region, memory.lowSince[region] ?? now]));
}

function isNewIn({ decisions }: Memory): (member: Member) => boolean {
  const last = decisions.findLast(({ kind }) => kind === "add" || kind === "step");
  if (last === undefined) return () => false;
  // The coordinator makes the ids of an addition afterwards.
  return ({ id, since }) => (last.kind === "add" ? since >= last.at : last.ids.includes(id));
}

function toPast(
  decision: Decision,
  about: {
    readonly regions: readonly RegionLoad[];
    readonly members: readonly Member[];
    readonly now: number;
  },
): PastDecision | undefined {
  if (decision.kind === "hold") return undefined;
  const ids = decision.kind === "add" ? [] : decision.ids;
  const name =
    decision.kind === "add" ? decision.region : about.members.find(({ id }) => id === ids[0])?.region;
  const region = about.regions.find((one) => one.region === name);
  return {
    at: about.now,
    kind: decision.kind,
    region: name ?? "",
    ids,
    fullest: region?.fullest.value ?? 0,
    skewed: region !== undefined && region.needed <= region.active.length,
  };
}
