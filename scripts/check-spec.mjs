// Checks that each cited law (SPEC.md), fact (docs/), file and heading exists, and that each law has a test.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { faultOf, linesOf, linksIn } from "./docs/links.mjs";

const FACTS = { P: "docs/platform.md", C: "docs/protocol.md" };
const PAGES = [
  ...readdirSync(".").filter((name) => name.endsWith(".md")),
  ...["docs", "bench", "examples", "templates"].flatMap((folder) => filesIn(folder, /\.md$/)),
];
const CODE = ["src", "test", "demo", "bench", "scripts", "examples", "templates", "create/src"].flatMap(
  (folder) => filesIn(folder, /\.(m?[jt]s|tsx)$/),
);
const texts = new Map([...PAGES, ...CODE].map((file) => [file, readFileSync(file, "utf8")]));

const laws = idsIn("SPEC.md", /^- \*\*([A-Z]{2}\d+)\*\*/);
const families = new Set([...laws.keys()].map((id) => id.slice(0, 2)));
const facts = new Map(Object.values(FACTS).flatMap((file) => [...idsIn(file, /^- \*\*([PC]\d+)\*\*/)]));
const LAW = new RegExp(String.raw`\b(?:${[...families].join("|")})\d+\b`, "g");
const FACT = /docs\/(?:platform|protocol)\.md ([PC]\d+(?:(?:, | and | to )[PC]\d+)*)/g;

const problems = [];
const tested = new Set();
for (const file of texts.keys()) {
  for (const [line, text] of linesOf(file, texts.get(file))) {
    const report = (problem) => problems.push(`${file}:${line}: ${problem}`);
    // A law id may stand anywhere: "SPEC DL2, DL3", "(LG1)", "[DL2]".
    for (const [id] of text.matchAll(LAW)) if (!laws.has(id)) report(`SPEC.md has no law ${id}`);
    for (const [cited] of text.matchAll(/\bSPEC [A-Z]{2}\d*(?:, [A-Z]{2}\d*)*\b/g))
      for (const [family] of cited.slice(4).matchAll(/[A-Z]{2}/g))
        if (!families.has(family)) report(`SPEC.md has no family ${family}`);
    if (file.endsWith(".test.ts"))
      for (const id of idsInTitles(text)) {
        tested.add(id);
        if (!families.has(id.slice(0, 2))) report(`SPEC.md has no law ${id}`);
      }
    const cited = [...text.matchAll(FACT)].flatMap(([, ids]) => ids.match(/[PC]\d+/g) ?? []);
    // Within docs/ the bare id is enough.
    if (dirname(file) === "docs") cited.push(...(text.match(/\b[PC]\d+\b/g) ?? []));
    for (const id of new Set(cited)) if (!facts.has(id)) report(`${FACTS[id[0]]} has no fact ${id}`);
    if (file.startsWith("src/")) checkDocuments(text, report);
    if (file.endsWith(".md")) for (const target of linksIn(text)) checkLink(file, target, report);
  }
}
for (const [id, line] of laws)
  if (!tested.has(id)) problems.push(`SPEC.md:${line}: no test cites the law ${id}`);

for (const problem of problems) console.error(problem);
const untested = [...laws.keys()].filter((id) => !tested.has(id)).length;
console.log(
  `${laws.size} laws (${laws.size - untested} cited by tests), ${facts.size} facts, ${PAGES.length} pages`,
);
process.exit(problems.length > 0 ? 1 : 0);

/** The ids that a document defines, with their lines. Throws if an id is defined twice. */
function idsIn(file, pattern) {
  const ids = new Map();
  for (const [n, text] of readFileSync(file, "utf8").split("\n").entries()) {
    const id = pattern.exec(text)?.[1];
    if (id === undefined) continue;
    if (ids.has(id)) throw new Error(`${file}:${n + 1}: ${id} is defined twice`);
    ids.set(id, n + 1);
  }
  return ids;
}

/** The ids in the title of a test: "[DL2, DL3] a resumed subscriber ...". */
function idsInTitles(text) {
  const titles = [...text.matchAll(/\[([A-Z]{2}\d+(?:, [A-Z]{2}\d+)*)\]/g)];
  return titles.flatMap(([, ids]) => ids.split(", "));
}

/** A comment in the source cites a document of this repository, and an id instead of a section's number. */
function checkDocuments(text, report) {
  if (text.includes("§")) report("cite the id of a fact in docs/, not a section");
  for (const [name] of text.matchAll(/(?<![\w/*-])[\w./-]+\.md\b/g))
    if (!existsSync(name)) report(`there is no document ${name}`);
}

function checkLink(file, target, report) {
  const fault = faultOf(file, target);
  if (fault !== undefined) report(fault);
}

/** The files of a folder, without packages, builds and kept releases. */
function filesIn(folder, wanted) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => wanted.test(name) && !/node_modules|dist|releases/.test(name))
    .map((name) => join(folder, name));
}
