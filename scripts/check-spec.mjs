// Every law of SPEC.md is cited by a test, and every citation is of a law that exists.
import { readdirSync, readFileSync } from "node:fs";

const laws = new Set(
  [...readFileSync("SPEC.md", "utf8").matchAll(/^- \*\*([A-Z]{2}\d+)\*\*/gm)].map((match) => match[1]),
);
const cited = new Map();
for (const file of readdirSync("test", { recursive: true })) {
  if (!file.endsWith(".test.ts")) continue;
  for (const [, ids] of readFileSync(`test/${file}`, "utf8").matchAll(/\[((?:[A-Z]{2}\d+(?:, )?)+)\]/g)) {
    for (const id of ids.split(", ")) cited.set(id, file);
  }
}
const untested = [...laws].filter((id) => !cited.has(id));
const unknown = [...cited].filter(([id]) => !laws.has(id));
for (const id of untested) console.error(`${id}: no test cites this law`);
for (const [id, file] of unknown) console.error(`${id}: cited in test/${file}, but SPEC.md has no such law`);
console.log(`${laws.size} laws, ${laws.size - untested.length} of them cited by tests`);
process.exit(untested.length + unknown.length > 0 ? 1 : 0);
