import { percent } from "./choice.ts";
import {
  EFFECT,
  ROUNDS_WITHOUT_EFFECT,
  STEPS,
  isJoining,
  type Decision,
  type Memory,
  type Situation,
} from "./policy.ts";
import { clientsByRegion, loadFrom, type RegionLoad } from "./region.ts";

/** More shards for a region, as many as bring its mean load to the target. */
export function grow(
  situation: Situation,
  region: RegionLoad,
  { isPressed: pressed }: { readonly isPressed: boolean },
): Decision {
  const { policy, members, memory, movingUntil, now } = situation;
  const { active, needed } = region;
  const about = reasonOf(region, situation);
  const joining = active.filter(isJoining);
  const [first] = joining;
  if (pressed && first !== undefined) {
    const ids = joining.filter(({ fullWeight }) => fullWeight === first.fullWeight).map(({ id }) => id);
    return { kind: "step", ids, weight: first.fullWeight, reason: `${about}: no more steps` };
  }
  let count = needed - active.length;
  if (count <= 0) {
    const last = memory.decisions.findLast((past) => past.region === region.region && past.kind === "add");
    if (movingUntil !== undefined || (last !== undefined && now - last.at < 2 * policy.reportMs))
      return { kind: "hold", reason: `${about}, and the shards that have joined are enough for it` };
    if (roundsWithoutEffect(memory, region) >= ROUNDS_WITHOUT_EFFECT)
      return {
        kind: "hold",
        reason: `${about}, and ${ROUNDS_WITHOUT_EFFECT} more shards have not helped: one key or one channel is the load`,
      };
    count = 1;
  }
  const room = policy.max - members.length;
  if (room <= 0) return { kind: "hold", reason: `${about}, and shards.max is ${policy.max}` };
  // A region at most doubles, so that one wrong report does not make a hundred shards.
  count = Math.min(count, policy.step, Math.max(1, active.length), room);
  const part = pressed ? 1 : 1 / STEPS;
  return { kind: "add", region: region.region, count, part, reason: about };
}

/** How often in a row a shard was added for one full shard, whose load stayed. */
function roundsWithoutEffect({ decisions }: Memory, { region, fullest }: RegionLoad): number {
  let after = fullest.value;
  let rounds = 0;
  for (const past of decisions.toReversed()) {
    if (past.region !== region || past.kind === "step") continue;
    if (past.kind !== "add" || !past.skewed || after < past.fullest * EFFECT) break;
    after = past.fullest;
    rounds += 1;
  }
  return rounds;
}

export function toMinimum({ policy, members, defaultRegion }: Situation, count: number): Decision {
  const reason = `${count} shards, and scale.min is ${policy.min}`;
  // A draining shard takes its room until it is empty.
  const room = policy.max - members.length;
  if (room <= 0) return { kind: "hold", reason: `${reason}, and shards.max is ${policy.max}` };
  return {
    kind: "add",
    region: defaultRegion,
    count: Math.min(policy.min - count, policy.step, room),
    part: 1,
    reason,
  };
}

/** The first shards of the region that has the most clients and no shard. */
export function openRegion(situation: Situation, regions: readonly RegionLoad[]): Decision | undefined {
  const { policy, members } = situation;
  // A region that is down gets no further shard: it does not answer.
  const served = new Set([
    ...regions.flatMap(({ region, active }) => (active.length > 0 ? [region] : [])),
    ...members.flatMap(({ region, state }) => (state === "down" ? [region] : [])),
  ]);
  const [most] = [...clientsByRegion(members)]
    .filter(
      ([region, clients]) =>
        policy.opens.includes(region) && !served.has(region) && clients >= policy.regionMin,
    )
    .toSorted(([, a], [, b]) => b - a);
  if (most === undefined || members.length >= policy.max) return undefined;
  const [region, clients] = most;
  const reason = `${clients} clients in ${region}, which has no shard, and scale.regionMin is ${policy.regionMin}`;
  // All of them move to the new shards, so a region opens only where one step is enough for it.
  const count = Math.max(1, Math.ceil(loadFrom(region, members) / policy.target));
  if (count > Math.min(policy.step, policy.max - members.length)) return undefined;
  return { kind: "add", region, count, part: 1, reason };
}

function reasonOf({ fullest, refused, overloaded, region }: RegionLoad, { policy }: Situation): string {
  if (refused > 0) return `${refused} connections refused in ${region}`;
  if (overloaded > 0) return `${overloaded} calls refused by overloaded shards in ${region}`;
  return `${percent(fullest.value)} of ${fullest.part} on ${fullest.id}, mark ${percent(policy.mark)}`;
}
