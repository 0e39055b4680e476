import { expect, test } from "vitest";
import type { CostReport } from "../../../src/contracts/cost.ts";
import { NO_USAGE } from "../../../src/contracts/usage.ts";
import { costRows, dollars, monthItems } from "../../../src/console/model/cost-view.ts";

const line = (dollarsAMonth: number) => ({ since: 0, usage: NO_USAGE, dollarsAMonth });
const report: CostReport = {
  prices: { date: "2026-09", source: "somewhere" },
  at: 0,
  shards: [
    { id: "auto-1", region: "auto", stale: false, cost: line(1) },
    { id: "auto-2", region: "auto", stale: true, cost: line(3) },
    { id: "auto-3", region: "auto", stale: true, cost: null },
  ],
  coordinator: line(2),
  channels: [
    { namespace: "", cost: line(5) },
    { namespace: "chat", cost: line(4) },
  ],
  broadcast: { requests: 4, rowsWritten: 2, awakeMs: 1, dollars: 0.000_002_6 },
  month: {
    plan: 5,
    workerRequests: 0,
    workerCpuMs: 0,
    objectRequests: 2,
    objectGbSeconds: 0,
    rowsRead: 0,
    rowsWritten: 9,
    total: 16,
    listPrice: 30,
  },
};

test("[EL54] the console lists the parts of the bill, the dearest first, and says where one is old", () => {
  const rows = costRows(report);
  expect(rows.map(({ name }) => name)).toEqual([
    "channels without a namespace",
    "channels chat:",
    "auto-2",
    "coordinator",
    "auto-1",
    "auto-3",
  ]);
  expect(rows[2]?.detail).toContain("as at the last report");
  expect(rows[5]).toMatchObject({ dollarsAMonth: null, shard: "auto-3" });
  expect(monthItems(report).map(({ name }) => name)).toEqual(["rows written", "plan", "requests to objects"]);
});

test("[EL54] the console shows a small price with digits that say something", () => {
  expect([0, 1e-9, 0.000_002_6, 0.012, 5, 1_234].map(dollars)).toEqual([
    "$0",
    "under $0.000001",
    "$0.000003",
    "$0.01",
    "$5.00",
    "$1234",
  ]);
});
