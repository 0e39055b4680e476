import { expect, test } from "vitest";
import type { Run } from "../../faults/record.ts";
import { replayOf, reportOf, type Canary } from "../../faults/report.ts";
import type { Found } from "../../faults/totals.ts";

const HISTORIES: Run = {
  part: "simulator",
  options: "--steps 60",
  seeds: { from: 10_000_001, count: 2_500 },
  commit: "c1c1c1c1c1c1c1c1",
  srcTree: "aaaaaaaaaaaaaaaa",
  isClean: true,
  versions: { node: "24" },
  began: "2026-11-29T12:00:00.000Z",
  seconds: 5,
  counts: { deliveries: 10, "publications acknowledged": 7, "releases: none": 2_500 },
  faults: { "call lost": 2_002 },
  violations: [],
};
const CHAOS: Run = {
  ...HISTORIES,
  part: "chaos",
  options: "--seconds 240",
  seeds: { from: 7, count: 1 },
  counts: { "publications acknowledged": 40_000 },
  faults: { "shard crashed": 30, "server killed and started again": 4 },
};
const CANARY: Canary = {
  plant: "dedup-key",
  options: "--steps 60 --releases none",
  from: 100,
  within: 2_000,
  foundAt: 131,
  broke: "LG4 | twice",
};
const FOUND: Found[] = [
  {
    law: "BD11",
    what: "a late call skipped a publication",
    by: "simulator",
    seed: 17_519,
    at: "a0",
    options: "--steps 40",
    fixed: "ce332b3",
  },
];
const reportWith = (record: readonly Run[], canary = CANARY): string =>
  reportOf({
    record,
    found: FOUND,
    canary,
    slips: [
      { name: "late-life", law: "BD100", seed: 45, options: "--traits lateCalls" },
      { name: "open-gate", law: "BD8", options: "", foundBy: "test/unit/a.test.ts" },
    ],
    srcTree: HISTORIES.srcTree,
    version: "0.3.0",
    writtenAt: "2026-11-29T14:00:00.000Z",
  });

test("[FT3] the report says how many ran on the present tree, and what the goal is", () => {
  const before = {
    ...HISTORIES,
    commit: "c0c0c0c0c0",
    srcTree: "bbbbbbbbbbbb",
    faults: { "answer lost": 5 },
  };
  const text = reportWith([HISTORIES, CHAOS, before, { ...CHAOS, ...before, part: "chaos" }]);
  expect(text).toContain("| histories in the simulator, on this tree | 2,500 | 1,000,000 |");
  expect(text).toContain("over all commits that count | 40,007 | 1,000,000 |");
  expect(text).toContain("| of them on this tree | 40,000 | 100,000 |");
  expect(text).toContain("| call lost | 2,002 |");
  expect(text).toContain("| shard crashed | 30 |");
  expect(text).toContain("| `bbbbbbbbbb` | 2,500 | 5 |");
});

test("[FT3] the report shows what broke a law, with its command, and counts none of it", () => {
  const broken = { ...CHAOS, violations: [{ seed: 7, what: ["kept:1: x was acknowledged and is lost"] }] };
  const text = reportWith([HISTORIES, broken]);
  expect(text).toContain("on this tree | 0 | 1,000,000 |");
  expect(text).toContain("over all commits that count | 0 | 1,000,000 |");
  expect(text).toContain("  - seed 7 (open): kept:1: x was acknowledged and is lost");
  expect(text).toContain("`git checkout c1c1c1c1c1 && npm run chaos -- --seed 7 --seconds 240`");
});

test("[FT3] each row has one command that repeats it", () => {
  const text = reportWith([HISTORIES, CHAOS]);
  expect(replayOf(HISTORIES)).toBe(
    "git checkout c1c1c1c1c1 && npm run sim -- --histories 2500 --seed 10000001 --steps 60",
  );
  for (const run of [HISTORIES, CHAOS]) expect(text).toContain(`\n${replayOf(run)}\n`);
  expect(text).toContain(
    "| BD11 | a late call skipped a publication | simulator: `git checkout a0 && npm run sim -- --seed 17519 --steps 40` | `ce332b3` |",
  );
});

test("[FT5] the report says how each slip is found", () => {
  const slips = [
    "| BD8 | open-gate | `RINGCAST_PLANT=open-gate npx vitest run test/unit/a.test.ts` |",
    "| BD100 | late-life | `npm run sim -- --plant late-life --seed 45 --traits lateCalls` |",
  ];
  expect(reportWith([])).toContain(slips.join("\n"));
});

test("[FT4] the report names its canary, and there is no report where the canary lived", () => {
  expect(reportWith([])).toContain("History 32 found it: LG4   twice.");
  const { foundAt: _, ...lived } = CANARY;
  expect(() => reportWith([], lived)).toThrow(
    "the canary lived: 2000 histories from seed 100 on have not found the slip dedup-key",
  );
});
