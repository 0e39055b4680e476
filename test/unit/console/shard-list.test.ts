import { expect, test } from "vitest";
import {
  listShards,
  mostNotable,
  readFilter,
  type ListedShard,
} from "../../../src/console/model/shard-list.ts";

const shard = (id: string, values: Partial<ListedShard> = {}): ListedShard => ({
  id,
  region: "auto",
  state: "active",
  weight: 16,
  share: 0.1,
  sessions: 0,
  load: null,
  framesPerSecond: 0,
  deliveriesPerSecond: 0,
  behind: false,
  stale: false,
  ...values,
});

const SHARDS = [
  shard("auto-10", { sessions: 5 }),
  shard("auto-9", { sessions: null, stale: true }),
  shard("weur-1", { region: "weur", sessions: 5, state: "draining" }),
  shard("auto-1", { sessions: 7, behind: true }),
];

test.each<[Record<string, string>, string[]]>([
  [{}, ["auto-1", "auto-9", "auto-10", "weur-1"]],
  [{ order: "down" }, ["weur-1", "auto-10", "auto-9", "auto-1"]],
  [{ sort: "sessions" }, ["auto-1", "auto-10", "weur-1", "auto-9"]],
  [{ sort: "sessions", order: "up" }, ["auto-10", "weur-1", "auto-1", "auto-9"]],
  [{ find: " AUTO-1 " }, ["auto-1", "auto-10"]],
  [{ region: "weur" }, ["weur-1"]],
  [{ state: "draining" }, ["weur-1"]],
  [{ state: "behind" }, ["auto-1"]],
  [{ state: "silent" }, ["auto-9"]],
  [{ sort: "constructor", order: "sideways", state: "none" }, ["auto-1", "auto-9", "auto-10", "weur-1"]],
])("[OP18] the filter %j lists %j", (query, ids) => {
  expect(listShards(SHARDS, readFilter(query)).map(({ id }) => id)).toEqual(ids);
});

test("[OP18] a page with room for a few shows those that need a look, then the fullest", () => {
  expect(mostNotable(SHARDS, 3).map(({ id }) => id)).toEqual(["auto-1", "weur-1", "auto-10"]);
  expect(mostNotable(SHARDS, 4)).toBe(SHARDS);
});
