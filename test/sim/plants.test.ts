import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { tier } from "../support/tier.ts";
import { isSimulated, PLANTS, takeTurns } from "./plants.ts";
import { sourcesWith } from "./register.ts";
import { runSim } from "./run-sim.ts";

/** The slips of one run take turns, by the commit; a package without a repository has the first ones. */
function turn(): number {
  try {
    const commit = execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8", stdio: "pipe" });
    return Number.parseInt(commit.slice(0, 8), 16);
  } catch {
    return 0;
  }
}

const all = Object.entries(PLANTS);
const ofSimulator = all.flatMap(([name, plant]) => (isSimulated(plant) ? [{ name, ...plant }] : []));
const ofTests = all.flatMap(([name, { foundBy }]) => (foundBy === undefined ? [] : [{ name, foundBy }]));
/** The search for a rare slip takes minutes, if a change of the code has moved it. */
const simulated = tier({
  quick: takeTurns(
    ofSimulator.filter(({ isRare }) => isRare !== true),
    { turn: turn(), count: 6 },
  ),
  release: ofSimulator,
});
const tested = tier({ quick: takeTurns(ofTests, { turn: turn(), count: 2 }), release: ofTests });

test("[FT5] each slip fits the code", () => {
  for (const [name, plant] of all) expect(() => sourcesWith(plant), name).not.toThrow();
});

describe.concurrent("[FT5] a slip in the code is found", () => {
  test.each(simulated)("by the simulator: $name", async ({ name, seed, releases = "none", traits }) => {
    // The search begins at the seed that found the slip first. After a change of the code a later seed may find it.
    const shape = ["--plant", name, "--seed", String(seed), "--steps", "40", "--histories", "4000"];
    const options = ["--releases", releases, ...(traits === undefined ? [] : ["--traits", traits])];
    const { code, output } = await runSim(...shape, ...options);
    expect(output).toContain(", 1 broke a law");
    expect(code).toBe(1);
  });

  test.each(tested)("by a test: $name", async ({ name, foundBy }) => {
    const project = foundBy.startsWith("test/unit/") ? "unit" : "socketio";
    const env = { ...process.env, RINGCAST_PLANT: name };
    const run = promisify(execFile)("vitest", ["run", "--project", project, foundBy], { env });
    const { stdout } = await run.then(
      () => ({ stdout: "" }),
      (error: unknown) => error as { stdout: string },
    );
    expect(stdout).toMatch(/Tests .*failed/u);
  });
});

test("[FT5] slips take turns: each has its turn, and a commit has the same ones each time", () => {
  const letters = ["a", "b", "c", "d", "e", "f", "g"];
  expect(takeTurns(letters, { turn: 1, count: 3 })).toEqual(takeTurns(letters, { turn: 1, count: 3 }));
  expect(takeTurns(letters, { turn: 6, count: 3 })).toEqual(["g", "a", "b"]);
  const turns = letters.flatMap((_, turn) => takeTurns(letters, { turn, count: 3 }));
  for (const letter of letters) expect(turns.filter((one) => one === letter)).toHaveLength(3);
  expect(takeTurns(["a"], { turn: 9, count: 3 })).toEqual(["a"]);
});

test("[FT5] there are forty slips or more that no history finds at once, three or more of each family of laws", () => {
  const late = all.filter(([, plant]) => !isSimulated(plant) || plant.seed > 10);
  expect(late.length).toBeGreaterThanOrEqual(40);
  const families = Map.groupBy(late, ([, { law }]) => law.slice(0, 2));
  for (const family of ["LG", "DL", "FO", "MB", "MV", "SE", "BD", "EL", "SO"])
    expect(families.get(family)?.length ?? 0, family).toBeGreaterThanOrEqual(3);
});
