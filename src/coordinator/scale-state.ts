import type { Change } from "../contracts/change.ts";
import type { ScaleChoice, ScaleDecision, ScaleMode, SuggestedChange } from "../contracts/scale.ts";
import { LOAD_PARTS, type Load, type LoadParts } from "../elastic/load.ts";
import type { Decision, Member, Memory } from "../elastic/policy.ts";
import type { Descriptor, ShardSpec } from "../ring/descriptor.ts";
import type { Members } from "./members.ts";
import type { Store } from "./store.ts";

/** One stored value. `own`: the shards that the policy has added and that no operator has touched, by id. */
export type ScaleState = {
  readonly mode: ScaleMode;
  /** Absent where no operator has chosen the mode. */
  readonly chosen?: ScaleChoice;
  readonly memory: Memory;
  readonly own: Readonly<Record<string, { readonly fullWeight: number; readonly since: number }>>;
  readonly last: ScaleDecision | null;
  readonly decisions: readonly ScaleDecision[];
};

/** The shards as the policy sees them. */
export const membersOf = (
  { shards }: Descriptor,
  own: ScaleState["own"],
  parts: { readonly store: Store; readonly members: Members },
): Member[] =>
  shards.map((shard) => {
    const mine = own[shard.id];
    const load = loadOf(shard, parts);
    return {
      ...shard,
      fullWeight: mine?.fullWeight ?? shard.weight,
      owner: mine === undefined ? "operator" : "policy",
      since: mine?.since ?? 0,
      ...(load === undefined ? {} : { load }),
    };
  });

/** The fullest of a shard's objects counts: each front has an object with limits of its own. */
function loadOf(
  shard: ShardSpec,
  { store, members }: { readonly store: Store; readonly members: Members },
): Load | undefined {
  const reports = members.objectsOf(shard).flatMap((object) => store.lastReport(object) ?? []);
  const loads = reports.flatMap(({ status, at }) =>
    status.load === undefined ? [] : [{ ...status.load, at }],
  );
  const [first, ...rest] = loads;
  return rest.reduce<Load | undefined>(
    (sum, one) =>
      sum && {
        at: Math.max(sum.at, one.at),
        parts: Object.fromEntries(
          LOAD_PARTS.map((part) => [part, Math.max(sum.parts[part], one.parts[part])]),
        ) as LoadParts,
        refused: sum.refused + one.refused,
        clients: addCounts(sum.clients, one.clients),
      },
    first,
  );
}

function addCounts(
  some: Readonly<Record<string, number>>,
  others: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...some };
  for (const [region, count] of Object.entries(others)) sum[region] = (sum[region] ?? 0) + count;
  return sum;
}

/** The shards that are the policy's after its own decision. Those that have left the ring are forgotten. */
export function ownAfter(
  own: ScaleState["own"],
  about: {
    readonly decision: Decision;
    readonly before: Descriptor;
    readonly descriptor: Descriptor;
    /** That of a shard that the decision adds. */
    readonly fullWeight: number;
    readonly now: number;
  },
): ScaleState["own"] {
  const { decision, before, descriptor, fullWeight, now } = about;
  const known = new Set(before.shards.map(({ id }) => id));
  return Object.fromEntries(
    descriptor.shards.flatMap(({ id }) => {
      const kept = own[id];
      if (kept !== undefined) return [[id, kept]];
      return decision.kind !== "add" || known.has(id) ? [] : [[id, { fullWeight, since: now }]];
    }),
  );
}

/** The change that an operator can make of a suggestion. A shard that an operator adds has its full weight at once. */
export function suggestionOf(decision: Decision): SuggestedChange | undefined {
  switch (decision.kind) {
    case "add":
      return { kind: "add", count: decision.count, region: decision.region };
    case "drain":
      return { kind: "drain", id: decision.ids[0] };
    case "back":
      return { kind: "remove", id: decision.ids[0] };
    case "hold":
    case "step":
      return undefined;
  }
}

/** The shards that stay the policy's after an operator's change; the same object where that are all. */
export function forget(own: ScaleState["own"], change: Change): ScaleState["own"] {
  const named = namedIn(change, own).filter((id) => own[id] !== undefined);
  if (named.length === 0) return own;
  return Object.fromEntries(Object.entries(own).filter(([id]) => !named.includes(id)));
}

function namedIn(change: Change, own: ScaleState["own"]): readonly string[] {
  switch (change.kind) {
    case "add":
      return change.ids ?? [];
    case "weights":
      return change.ids;
    case "outage":
    case "recovery":
      return [];
    case "rollback":
      // The operator wants exactly the shards of that epoch.
      return Object.keys(own);
    case "drain":
    case "remove":
    case "weight":
      return [change.id];
  }
}
