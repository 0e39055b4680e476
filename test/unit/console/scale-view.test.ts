import { expect, test } from "vitest";
import { drawerOf, loadRows } from "../../../src/console/model/scale-view.ts";
import type { ShardScale } from "../../../src/contracts/scale.ts";

const shard = (id: string, fields: Partial<ShardScale>): ShardScale => ({
  id,
  region: "auto",
  weight: 16,
  fullWeight: 16,
  owner: "operator",
  load: null,
  ...fields,
});
const loadOf = (sockets: number): ShardScale["load"] => ({
  at: 0,
  parts: { sockets, upgrades: 0.1, work: 0, queued: 0 },
  refused: 0,
  clients: {},
});

test("[EL70] the console lists the failed calls of each shard, also of one that has never reported", () => {
  const rows = loadRows([
    shard("auto-1", { callers: { overloaded: 2, silent: 3 } }),
    shard("auto-2", { load: loadOf(0.5), callers: { overloaded: 0, silent: 1 } }),
    shard("auto-3", { load: loadOf(0.6), callers: { overloaded: 4, silent: 0 } }),
    shard("auto-4", { load: loadOf(0.2) }),
  ]);
  expect(rows.map(({ id, failed }) => [id, failed])).toEqual([
    ["auto-3", "failed calls: 4 refused as overloaded"],
    ["auto-2", "failed calls: 1 without an answer"],
    ["auto-4", undefined],
    ["auto-1", "failed calls: 2 refused as overloaded, 3 without an answer"],
  ]);
});

test("[EL74] a suggestion opens the dry run of its change, and no other decision does", () => {
  const decision = { at: 0, kind: "add", reason: "full", done: false } as const;
  const change = { kind: "add", count: 2, region: "enam" } as const;
  expect(drawerOf({ ...decision, change })).toEqual(change);
  expect(drawerOf({ ...decision, kind: "drain", change: { kind: "drain", id: "auto-4" } })).toEqual({
    kind: "shard",
    id: "auto-4",
  });
  expect(drawerOf({ ...decision, kind: "hold" })).toBeUndefined();
  expect(drawerOf(null)).toBeUndefined();
});
