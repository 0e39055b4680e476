import { act, hold, seconds, type Choice } from "./choice.ts";
import { isJoining, STEPS, type Situation } from "./policy.ts";

/** The next step of the shards that are joining, or the way back if one of them does not answer. */
export function stepJoining({ members, policy, memory, now }: Situation): Choice | undefined {
  const active = members.filter((one) => one.state === "active" && isJoining(one));
  const [joining] = active;
  if (joining === undefined) return undefined;
  const last = memory.decisions.findLast(({ ids, kind }) => kind === "step" && ids.includes(joining.id));
  const since = Math.max(joining.since, last?.at ?? 0);
  const reported = joining.load?.at ?? 0;
  const patience = since + 3 * policy.reportMs;
  const unwell = active.find(({ callers }) => callers !== undefined);
  if (reported > since && unwell !== undefined) {
    // It answers the coordinator, so it stays; the other rules go on without it.
    if (now >= patience) return undefined;
    return hold(`calls to ${unwell.id} have failed since its last step`, patience);
  }
  if (reported > since) {
    const parts = Math.round((joining.weight / joining.fullWeight) * STEPS) + 1;
    const ids = active
      .filter(
        ({ region, weight, fullWeight }) =>
          region === joining.region && weight === joining.weight && fullWeight === joining.fullWeight,
      )
      .map(({ id }) => id);
    const weight =
      parts >= STEPS
        ? joining.fullWeight
        : Math.max(joining.weight + 1, Math.round((joining.fullWeight * parts) / STEPS));
    const reason = `${ids.join(", ")} answer: step ${Math.min(parts, STEPS)} of ${STEPS}`;
    return act({ kind: "step", ids, weight, reason });
  }
  if (now < patience) return hold(`${joining.id} has not reported since its last step`, patience);
  const reason = `${joining.id} has not reported for ${seconds(now - since)} s: the step is taken back`;
  return act({ kind: "back", ids: [joining.id], reason });
}
