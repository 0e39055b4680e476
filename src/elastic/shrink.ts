import { act, hold, percent, type Choice } from "./choice.ts";
import { LOW_PART, type Member, type Situation } from "./policy.ts";
import { clientsByRegion, membersThatStay, totalOf, type RegionLoad } from "./region.ts";

/** One shard less, where a region has been low for long enough. `earliest`: no decision comes before that time. */
export function shrink(situation: Situation, regions: readonly RegionLoad[], earliest: number): Choice {
  const { policy, memory, now, members } = situation;
  const { length: count } = membersThatStay(members);
  if (count <= policy.min) return hold(`${count} shards, and scale.min is ${policy.min}`, undefined);
  const chances = regions.flatMap((region) => {
    const since = memory.lowSince[region.region];
    const newest = region.active
      .filter(({ owner }) => owner === "policy")
      .toSorted((a, b) => b.since - a.since || (a.id < b.id ? 1 : -1))[0];
    if (since === undefined || newest === undefined || !canSpare(regions, region, newest, situation))
      return [];
    const lastAdd = memory.decisions.findLast(
      ({ region: where, kind }) => where === region.region && (kind === "add" || kind === "step"),
    );
    const dueAt = Math.max(
      earliest,
      since + policy.lowForMs,
      newest.since + policy.youngMs,
      (lastAdd?.at ?? -Infinity) + policy.settleMs,
    );
    return [{ region, newest, dueAt }];
  });
  const next = chances.toSorted((a, b) => a.dueAt - b.dueAt)[0];
  if (next === undefined) return hold("no region is both low and larger than it needs to be", undefined);
  const { region, newest, dueAt } = next;
  if (now < dueAt) return hold(`region ${region.region} is low, and will be smaller if it stays so`, dueAt);
  const reason = `${percent(region.mean)} of a shard's limit on ${region.active.length} shards in ${region.region}, mark ${percent(policy.mark * LOW_PART)}`;
  return act({ kind: "drain", ids: [newest.id], reason });
}

/** Whether the other shards would stay under the target without this one. */
function canSpare(
  regions: readonly RegionLoad[],
  region: RegionLoad,
  shard: Member,
  situation: Situation,
): boolean {
  const { policy, members, defaultRegion } = situation;
  const left = region.active.filter(({ id }) => id !== shard.id);
  if (left.length > 0) {
    const more = weightOf(region.active) / weightOf(left);
    return (
      totalOf(region.active) / left.length <= policy.target && region.fullest.value * more <= policy.target
    );
  }
  // The clients of a region without a shard go to the default region.
  const home = regions.find((one) => one.region === defaultRegion);
  if (home === undefined || home.active.length === 0 || region.region === defaultRegion) return false;
  const clients = clientsByRegion(members).get(region.region) ?? 0;
  const total = totalOf([...home.active, ...region.active]);
  return clients < policy.regionMin * LOW_PART && total / home.active.length <= policy.target;
}

const weightOf = (members: readonly Member[]): number => members.reduce((sum, { weight }) => sum + weight, 0);
