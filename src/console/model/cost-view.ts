import type { CostLine, CostReport } from "../../contracts/cost.ts";
import { ITEM_NAMES } from "../../elastic/prices.ts";

/** One part of the cluster. `shard`: its id, where the part is one. */
export type CostRow = {
  readonly name: string;
  readonly shard: string | undefined;
  readonly dollarsAMonth: number | null;
  readonly detail: string;
};

/** The parts of the bill, the dearest first. */
export function costRows({ shards, coordinator, channels }: CostReport): CostRow[] {
  const rows: CostRow[] = [
    ...shards.map(({ id, cost, stale }) => rowOf(id, cost, { shard: id, stale })),
    rowOf("coordinator", coordinator, {}),
    ...channels.map(({ namespace, cost }) =>
      rowOf(namespace === "" ? "channels without a namespace" : `channels ${namespace}:`, cost, {}),
    ),
  ];
  return rows.toSorted((a, b) => (b.dollarsAMonth ?? -1) - (a.dollarsAMonth ?? -1));
}

function rowOf(
  name: string,
  line: CostLine | null,
  { shard, stale = false }: { readonly shard?: string; readonly stale?: boolean },
): CostRow {
  if (line === null) return { name, shard, dollarsAMonth: null, detail: "nothing told yet" };
  const { calls, upgrades, frames, alarms, rowsRead, rowsWritten } = line.usage;
  const counts = [
    `${calls} calls`,
    `${upgrades} upgrades`,
    `${frames} frames`,
    `${alarms} alarms`,
    `${rowsWritten} rows written`,
    `${rowsRead} rows read`,
  ].join(", ");
  const detail = stale ? `${counts}; as at the last report` : counts;
  return { name, shard, dollarsAMonth: line.dollarsAMonth, detail };
}

/** The items of the month's bill that cost anything, the dearest first. */
export function monthItems({ month }: CostReport): { readonly name: string; readonly dollars: number }[] {
  const { total: _total, ...items } = ITEM_NAMES;
  return Object.entries(items)
    .map(([item, name]) => ({ name, dollars: month[item as keyof typeof items] }))
    .filter(({ dollars }) => dollars > 0)
    .toSorted((a, b) => b.dollars - a.dollars);
}

/** Dollars with two digits that say something. */
export function dollars(value: number): string {
  if (value === 0) return "$0";
  if (value >= 0.01) return `$${value.toFixed(value < 100 ? 2 : 0)}`;
  return value < 1e-6 ? "under $0.000001" : `$${value.toFixed(6).replace(/0+$/, "")}`;
}
