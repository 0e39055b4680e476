import type { CostReport } from "../../contracts/cost.ts";
import { USAGE_FIELDS, type Usage } from "../../contracts/usage.ts";
import { billedOf } from "../../elastic/bill.ts";
import { priceOf, PRICES } from "../../elastic/prices.ts";

export type RunCost = { readonly dollars: number; readonly usage: Usage; readonly prices: string };

/**
 * The list price of what the cluster used between two reports, other users included: an estimate of the cluster's own.
 * Undefined where a day ended in between, and the counts began anew.
 */
export function costBetween(before: CostReport, after: CostReport): RunCost | undefined {
  const [first, last] = [before, after].map(totalOf) as [Usage, Usage];
  const usage = Object.fromEntries(USAGE_FIELDS.map((field) => [field, last[field] - first[field]])) as Usage;
  if (USAGE_FIELDS.some((field) => usage[field] < 0)) return undefined;
  return { dollars: priceOf(billedOf(usage)), usage, prices: PRICES.date };
}

function totalOf({ shards, coordinator, channels }: CostReport): Usage {
  const lines = [
    coordinator,
    ...channels.map(({ cost }) => cost),
    ...shards.flatMap(({ cost }) => cost ?? []),
  ];
  return Object.fromEntries(
    USAGE_FIELDS.map((field) => [field, lines.reduce((sum, { usage }) => sum + usage[field], 0)]),
  ) as Usage;
}
