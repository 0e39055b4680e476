import { expect, test } from "vitest";
import { hashOfCluster } from "../../faults/code.ts";
import { distinctSeeds, freeSeeds, withRun, type Run } from "../../faults/record.ts";
import { groupsBy, reasonAgainst, totalOf } from "../../faults/totals.ts";

const RUN: Run = {
  part: "simulator",
  options: "--steps 60",
  seeds: { from: 1, count: 25 },
  commit: "c1",
  srcTree: "t1",
  isClean: true,
  versions: { node: "24" },
  began: "2026-11-29T12:00:00.000Z",
  seconds: 5,
  counts: { deliveries: 10 },
  faults: { "call lost": 2 },
  violations: [],
};
const ofSeeds = (from: number, count = 25, other: Partial<Run> = {}): Run => ({
  ...RUN,
  seeds: { from, count },
  ...other,
});

test("[FT2] batches whose seeds follow each other become one row, in whichever order they end", () => {
  const record = [ofSeeds(26), ofSeeds(1), ofSeeds(76), ofSeeds(51)].reduce<Run[]>(withRun, []);
  expect(record).toEqual([
    { ...ofSeeds(1, 100), seconds: 20, counts: { deliveries: 40 }, faults: { "call lost": 8 } },
  ]);
});

test.each<Partial<Run>>([
  { commit: "c2" },
  { srcTree: "t2" },
  { isClean: false },
  { versions: { node: "25" } },
  { options: "--steps 40" },
])("[FT2] a row has runs of one code and one shape: %j is another row", (other) => {
  expect([ofSeeds(1), ofSeeds(26, 25, other)].reduce<Run[]>(withRun, [])).toHaveLength(2);
});

test("[FT2] each run on a server keeps its row", () => {
  const one = { part: "chaos" as const };
  expect([ofSeeds(1, 1, one), ofSeeds(2, 1, one)].reduce<Run[]>(withRun, [])).toHaveLength(2);
});

test("[FT2] a run takes the first seeds that no run of the record has had", () => {
  expect(freeSeeds([], { first: 10, count: 5 })).toEqual({ from: 10, count: 5 });
  expect(freeSeeds([ofSeeds(10, 5)], { first: 10, count: 5 })).toEqual({ from: 15, count: 5 });
  const withGap = [ofSeeds(18, 5), ofSeeds(10, 5)];
  expect(freeSeeds(withGap, { first: 10, count: 5 })).toEqual({ from: 15, count: 3 });
  expect(freeSeeds([...withGap, ofSeeds(15, 3)], { first: 10, count: 5 })).toEqual({ from: 23, count: 5 });
  // Other kinds of histories have seeds elsewhere.
  expect(freeSeeds([ofSeeds(1, 9), ofSeeds(900, 9)], { first: 10, count: 5 })).toEqual({
    from: 10,
    count: 5,
  });
});

test("[FT2] a seed that ran twice counts once", () => {
  expect(distinctSeeds([ofSeeds(1, 100), ofSeeds(51, 100), ofSeeds(60, 2), ofSeeds(300, 1)])).toBe(151);
});

test("[FT3] a commit in which a law broke leaves the total, and every commit with the same tree does", () => {
  const broken = ofSeeds(26, 25, { violations: [{ seed: 30, what: ["lost"] }] });
  const others = {
    commit: ofSeeds(1, 25, { srcTree: "t2" }),
    tree: ofSeeds(1, 25, { commit: "c2" }),
    none: ofSeeds(1, 25, { commit: "c2", srcTree: "t2" }),
    unclean: ofSeeds(1, 25, { commit: "c2", srcTree: "t2", isClean: false }),
  };
  const reasonOf = (run: Run, inTests = false) =>
    reasonAgainst(run, {
      record: [broken, ...Object.values(others)],
      found: inTests
        ? [{ law: "DL1", what: "a slip", by: "simulator", seed: 30, fixed: "c3", inTests: true }]
        : [],
    });
  expect(reasonOf(broken)).toBe("it broke a law");
  expect(reasonOf(others.commit)).toBe("another run of the commit broke a law");
  expect(reasonOf(others.tree)).toBe("a run of the same tree broke a law");
  expect(reasonOf(others.none)).toBeUndefined();
  expect(reasonOf(others.unclean)).toBe("files had changed since the commit");
  // The same tree with mended tests counts.
  expect(reasonOf(others.tree, true)).toBeUndefined();
  expect(reasonOf(broken, true)).toBe("it broke a law");
});

test("[FT3] histories are summed for each tree of src/, over its commits", () => {
  const runs = [ofSeeds(1), ofSeeds(26, 25, { commit: "c2" }), ofSeeds(1, 25, { srcTree: "t2" })];
  expect(totalOf(runs.slice(0, 2))).toEqual({
    runs: 50,
    counts: { deliveries: 20 },
    faults: { "call lost": 4 },
  });
  const groups = groupsBy(runs, ({ srcTree }) => srcTree);
  expect(groups.map(({ key, runs: count }) => [key, count])).toEqual([
    ["t1", 50],
    ["t2", 25],
  ]);
});

test("[FT3] the hash of the code is of what a cluster runs: another console or command line has the same", () => {
  const listing = (cli: string, shard: string, more: readonly string[] = []) =>
    [
      `040000 tree ${cli}\tcli`,
      "040000 tree c0\tclient",
      `040000 tree ${shard}\tshard`,
      "100644 blob d0\tindex.ts",
      ...more,
    ].join("\n");
  const known = hashOfCluster(listing("a1", "b1"));
  expect(hashOfCluster(listing("a2", "b1"))).toBe(known);
  expect(hashOfCluster(listing("a1", "b2"))).not.toBe(known);
  expect(hashOfCluster(listing("a1", "b1", ["040000 tree e0\tclients"]))).not.toBe(known);
});
