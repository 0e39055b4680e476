/** `npm run sim -- --coverage`: the decisions that no history takes. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { compareLists, neverTaken, NEVER_TAKEN, parseList, type ScriptCoverage } from "./coverage.ts";

const HEAD = `# The branches and functions that none of the histories 1 to 1000 takes, each of 60 steps: npm run sim -- --coverage
# The list only shrinks. The command takes out what a history takes now, and fails where a branch is new.
`;

/**
 * Compares what ran with the committed list, and takes out of it what runs now. Returns whether a branch is new.
 * `isWhole`: the histories are those of the list; others are only shown.
 */
export async function reportCoverage(
  threads: readonly (readonly ScriptCoverage[])[],
  { isWhole }: { readonly isWhole: boolean },
): Promise<boolean> {
  const found = await neverTaken(threads);
  if (!isWhole) {
    for (const line of found) console.log(`never taken: ${line}`);
    console.log(`${found.length} branches and functions were never taken`);
    return false;
  }
  const isNew = !existsSync(NEVER_TAKEN);
  const listed = isNew ? found : parseList(readFileSync(NEVER_TAKEN, "utf8"));
  const { added, gone } = compareLists(listed, found);
  for (const line of added) console.log(`never taken, and not in the list: ${line}`);
  for (const line of gone) console.log(`taken now, or no longer there: ${line}`);
  const kept = listed.filter((line) => !gone.includes(line));
  if (isNew || gone.length > 0) writeFileSync(NEVER_TAKEN, `${HEAD}${kept.join("\n")}\n`);
  console.log(
    `${found.length} branches and functions were never taken, ${added.length} of them new; ${gone.length} left the list`,
  );
  return added.length > 0;
}
