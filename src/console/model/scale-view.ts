import { LOAD_PARTS, type LoadPart } from "../../elastic/load.ts";
import type { DrawerContent } from "./change-request.ts";
import type { ScaleDecision, ScaleMode, ShardScale } from "../../contracts/scale.ts";

export type LoadRow = {
  readonly id: string;
  /** 0 is idle, 1 is the limit; null where the shard has never reported. */
  readonly value: number | null;
  readonly part: LoadPart | null;
  readonly parts: string;
  /** The step that a joining shard has reached, such as "50 %"; undefined where it has its full weight. */
  readonly step: string | undefined;
  readonly owner: ShardScale["owner"];
  /** The calls to the shard that its callers have lately seen fail; undefined where none has failed (SPEC EL70). */
  readonly failed: string | undefined;
};

/** One row for each shard, the fullest first. */
export function loadRows(shards: readonly ShardScale[]): LoadRow[] {
  const rows = shards.map(({ id, load, weight, fullWeight, owner, callers }): LoadRow => {
    const step = weight < fullWeight ? percent(weight / fullWeight) : undefined;
    const shard = { id, step, owner, failed: callers && failedCalls(callers) };
    if (load === null) return { ...shard, value: null, part: null, parts: "no report yet" };
    const part = LOAD_PARTS.reduce((most, one) => (load.parts[one] > load.parts[most] ? one : most));
    const parts = LOAD_PARTS.map((one) => `${percent(load.parts[one])} of ${one}`).join(", ");
    return { ...shard, value: load.parts[part], part, parts };
  });
  return rows.toSorted((a, b) => (b.value ?? -1) - (a.value ?? -1));
}

function failedCalls({ overloaded, silent }: NonNullable<ShardScale["callers"]>): string {
  const counts = [
    ...(overloaded === 0 ? [] : [`${overloaded} refused as overloaded`]),
    ...(silent === 0 ? [] : [`${silent} without an answer`]),
  ];
  return `failed calls: ${counts.join(", ")}`;
}

/** The drawer that shows the dry run of a suggestion; undefined where nothing is suggested. */
export function drawerOf(last: ScaleDecision | null): DrawerContent | undefined {
  const change = last?.change;
  if (change === undefined) return undefined;
  return change.kind === "add" ? change : { kind: "shard", id: change.id };
}

/** The newest decision as a sentence. */
export function sentenceOf(last: ScaleDecision | null, mode: ScaleMode): string {
  if (mode === "off") return "The policy is off: only operators change the ring.";
  if (last === null) return "No shard has reported its load yet.";
  if (last.kind === "hold") return `No change: ${last.reason}.`;
  const what = VERBS[last.kind];
  return last.done ? `${what.done}: ${last.reason}.` : `${what.would}: ${last.reason}.`;
}

const VERBS = {
  add: { done: "Added shards", would: "Would add shards" },
  step: { done: "Raised the weight of a joining shard", would: "Would raise the weight of a joining shard" },
  drain: { done: "Drained a shard", would: "Would drain a shard" },
  back: { done: "Took a joining shard back", would: "Would take a joining shard back" },
} as const;

const percent = (part: number): string => `${Math.round(part * 100)} %`;
