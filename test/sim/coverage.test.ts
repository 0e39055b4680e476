import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { tier } from "../support/tier.ts";
import { compareLists, NEVER_TAKEN, parseList } from "./coverage.ts";
import { runSim } from "./run-sim.ts";

const listed = parseList(readFileSync(NEVER_TAKEN, "utf8"));

describe("[SM7] the branches that no history takes", () => {
  test("are in a list that fits the code, as far as few histories tell", async () => {
    // Few histories take few branches, so what they never take has the whole list. Lines of code may have changed since.
    const { output } = await runSim("--coverage", "--histories", "4");
    const found = output.match(/(?<=^never taken: ).*$/gmu) ?? [];
    expect(found.length).toBeGreaterThan(listed.length);
    expect(compareLists(listed, found).gone.length).toBeLessThan(listed.length / 10);
  });

  test("leave the list when a history takes them, and a new one is told", () => {
    expect(compareLists(["a", "b"], ["b", "c"])).toEqual({ added: ["c"], gone: ["a"] });
    expect(parseList("# what\nsrc/a.ts: if (b) | else\n\n")).toEqual(["src/a.ts: if (b) | else"]);
  });

  // A thousand histories under coverage take minutes.
  test.for(tier({ quick: [], release: ["are those of the list"] }))("%s", async () => {
    const { code, output } = await runSim("--coverage");
    expect(output).toMatch(/^\d+ branches and functions were never taken, 0 of them new; /mu);
    expect(code).toBe(0);
  });
});
