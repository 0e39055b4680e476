import { colorOf } from "../data/colors.ts";
import { cost, costProblem, refreshCost } from "../data/cost.ts";
import { tick } from "../data/pulses.ts";
import { costRows, dollars, monthItems, type CostRow } from "../model/cost-view.ts";
import { age, count } from "../model/format.ts";
import { Panel, ShardName } from "./parts.tsx";

/** The cluster's estimate of its own bill: each part, a broadcast, and a month at the present rate. */
export function Cost() {
  // The age grows with the clock.
  void tick.value;
  const report = cost.value;
  const rows = report === undefined ? [] : costRows(report);
  const most = Math.max(1e-9, ...rows.map(({ dollarsAMonth }) => dollarsAMonth ?? 0));
  return (
    <Panel
      name="cost"
      title="Cost"
      aside={
        <button type="button" class="small" onClick={() => void refreshCost()}>
          Estimate now
        </button>
      }
    >
      {costProblem.value !== undefined && (
        <p class="notice bad" role="alert">
          {costProblem.value}
        </p>
      )}
      {report === undefined ? (
        <p class="empty">Asking the shards …</p>
      ) : (
        <>
          <p class="cost-month">
            <b data-testid="month">{dollars(report.month.total)}</b> a month at the present rate, as it was{" "}
            {age(Date.now() - report.at)} ago. One broadcast to all: {dollars(report.broadcast.dollars)} (
            {count(report.broadcast.requests)} requests, {report.broadcast.rowsWritten} rows).
          </p>
          <div class="cost-lists">
            <ul class="cost-parts" tabIndex={0} aria-label="Price of each part for a month">
              {rows.map((row) => (
                <Part key={row.name} row={row} part={(row.dollarsAMonth ?? 0) / most} />
              ))}
            </ul>
            <dl class="cost-items">
              {monthItems(report).map(({ name, dollars: price }) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{dollars(price)}</dd>
                </div>
              ))}
            </dl>
          </div>
          <p class="hint">
            Parts are at list price; the month is without what the plan includes. Requests, rows and alarms
            are counted, awake time is an estimate. Prices of {report.prices.date}, {report.prices.source}.
          </p>
        </>
      )}
    </Panel>
  );
}

const Part = ({ row, part }: { readonly row: CostRow; readonly part: number }) => (
  <li title={row.detail}>
    {row.shard === undefined ? <span class="text">{row.name}</span> : <ShardName shard={row.shard} />}
    <span class="bar-track" aria-hidden="true">
      <span
        class="bar-fill"
        style={{
          width: `${part * 100}%`,
          "--shard": row.shard === undefined ? "var(--muted)" : colorOf.value(row.shard),
        }}
      />
    </span>
    <span class="cost-price">{row.dollarsAMonth === null ? "–" : dollars(row.dollarsAMonth)}</span>
  </li>
);
