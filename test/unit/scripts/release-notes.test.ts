import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { releaseNotes, versionsIn } from "../../../scripts/release-notes.mjs";

const changelog = (unreleased: string, heading: string, text: string) =>
  `# Changelog\n\nHow.\n\n## [Unreleased]\n\n${unreleased}\n\n## [${heading}\n\n${text}\n\n## [0.2.0] - 2026-11-29\n\nOlder.\n`;
const versions = { "package.json": "0.3.0", "src/version.ts": "0.3.0" };
const GOOD = changelog("", "0.3.0] - 2026-12-01", "### Added\n\n- Much.");

describe("[FH10] a release is made where the tag, the versions and the changelog agree", () => {
  test("its notes are those of the changelog", () => {
    expect(releaseNotes("v0.3.0", { versions, changelog: GOOD })).toEqual({
      ok: true,
      notes: "### Added\n\n- Much.",
    });
  });

  test.each([
    ["0.3.0", versions, GOOD, /like v1\.2\.3/],
    ["v0.3.1", versions, GOOD, /package\.json has the version 0\.3\.0, and the tag is v0\.3\.1/],
    ["v0.3.0", { ...versions, "src/version.ts": "0.2.0" }, GOOD, /src\/version\.ts has the version 0\.2\.0/],
    ["v0.3.0", versions, changelog("- More.", "0.3.0] - 2026-12-01", "- Much."), /\[Unreleased\]/],
    ["v0.3.0", versions, changelog("", "0.3.0]", "- Much."), /is not "## \[0\.3\.0\] - <date>"/],
    ["v0.3.0", versions, changelog("", "0.2.9] - 2026-12-01", "- Much."), /is not "## \[0\.3\.0\] - <date>"/],
    ["v0.3.0", versions, changelog("", "0.3.0] - 2026-12-01", ""), /says nothing of 0\.3\.0/],
  ])("%s %o is refused", (tag, own, text, said) => {
    expect(releaseNotes(tag, { versions: own, changelog: text })).toEqual({
      ok: false,
      problem: expect.stringMatching(said),
    });
  });

  test("this repository has one version, also in its templates, and a changelog that a release can take", () => {
    const own = versionsIn();
    const [version] = Object.values(own);
    expect(Object.keys(own).length).toBeGreaterThan(2);
    expect(new Set(Object.values(own))).toEqual(new Set([version]));
    const text = readFileSync("CHANGELOG.md", "utf8");
    // As its release would do it.
    const released = text.replace("## [Unreleased]\n", `## [Unreleased]\n\n## [${version}] - 2026-12-31\n`);
    expect(releaseNotes(`v${version}`, { versions: own, changelog: released })).toMatchObject({ ok: true });
  });
});
