// Prints what the changelog says of a release, and fails where the tag, the versions and the changelog disagree:
//
//   node scripts/release-notes.mjs v0.3.0
//
// The release workflow asks it before it publishes anything.
import { readdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const refuse = (problem) => ({ ok: false, problem });
const read = (file) => readFileSync(file, "utf8");

/**
 * The notes of a release, or why it is none (SPEC FH10).
 *
 * @param {string} tag such as `v0.3.0`
 * @param {{ readonly versions: Readonly<Record<string, string>>, readonly changelog: string }} repository `versions`: by
 *   the file that has it
 * @returns {{ readonly ok: true, readonly notes: string } | { readonly ok: false, readonly problem: string }}
 */
export function releaseNotes(tag, { versions, changelog }) {
  const [, version] = /^v(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/.exec(tag) ?? [];
  if (version === undefined) return refuse(`the tag is "${tag}", and that of a release is like v1.2.3`);
  for (const [file, own] of Object.entries(versions))
    if (own !== version) return refuse(`${file} has the version ${own}, and the tag is ${tag}`);
  const [unreleased = "", ...sections] = changelog.split(/^## /m).slice(1);
  if (!/^\[Unreleased\]\s*$/.test(unreleased))
    return refuse(
      "CHANGELOG.md begins with [Unreleased], which is empty in a release: its lines belong to the version",
    );
  const [first = ""] = sections;
  const [heading, ...lines] = first.split("\n");
  if (!new RegExp(`^\\[${version.replaceAll(".", "\\.")}\\] - \\d{4}-\\d\\d-\\d\\d$`).test(heading ?? ""))
    return refuse(`the first release of CHANGELOG.md is not "## [${version}] - <date>"`);
  const notes = lines.join("\n").trim();
  return notes === "" ? refuse(`CHANGELOG.md says nothing of ${version}`) : { ok: true, notes };
}

/** Every place that has the version of a release: those of the templates are the version that they install. */
export function versionsIn() {
  const templates = readdirSync("templates").map((name) => `templates/${name}/package.json`);
  return {
    "package.json": JSON.parse(read("package.json")).version,
    "create/package.json": JSON.parse(read("create/package.json")).version,
    "src/version.ts": /PRODUCT_VERSION = "([^"]*)"/.exec(read("src/version.ts"))?.[1] ?? "",
    ...Object.fromEntries(templates.map((file) => [file, JSON.parse(read(file)).dependencies.ringcast])),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const changelog = read("CHANGELOG.md");
  const answer = releaseNotes(process.argv[2] ?? "", { versions: versionsIn(), changelog });
  if (answer.ok) console.log(answer.notes);
  else console.error(`No release: ${answer.problem}.`);
  process.exit(answer.ok ? 0 : 1);
}
