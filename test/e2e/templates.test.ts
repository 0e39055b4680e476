import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { linkModules, packed } from "../support/packed.ts";
import { chatInBrowser, npm, whileServed } from "../support/template.ts";
import { tier } from "../support/tier.ts";

const templates = join(import.meta.dirname, "../../templates");
const directory = mkdtempSync(join(tmpdir(), "ringcast-templates-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** A project of a template, as a stranger has it. */
function create(name: string, { as }: { readonly as: string }): string {
  const project = join(directory, as);
  cpSync(join(templates, name), project, {
    recursive: true,
    filter: (path) => !/node_modules|\.wrangler|dist/.test(path.slice(templates.length)),
  });
  return project;
}

test("[PK21] the types of the template minimal are right", async () => {
  const project = create("minimal", { as: "linked" });
  await linkModules(project);
  await expect(npm(project, "run", "check")).resolves.toContain("Types written");
});

/** The projects install all their packages, so only the release tier takes the time. */
describe.runIf(tier({ quick: false, release: true }))("[PK21] the way of a stranger", () => {
  test.each(readdirSync(templates))(
    "[PK21] the template %s is installed, checked, tested, opened in a browser and ready to be deployed",
    async (name) => {
      const project = create(name, { as: name });
      const manifest = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
      manifest.dependencies.ringcast = `file:${(await packed()).tarball}`;
      writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
      await npm(project, "install", "--no-audit", "--no-fund");
      await npm(project, "run", "check");
      await npm(project, "test");
      cpSync(join(project, ".dev.vars.example"), join(project, ".dev.vars"));
      const browser = await launchBrowser();
      try {
        await whileServed(project, name === "react" ? 8_951 : 8_950, async (url) => {
          expect(await chatInBrowser(browser, url)).toEqual([]);
        });
      } finally {
        await browser.close();
      }
      expect(await npm(project, "run", "deploy", "--", "--dry-run")).toContain("--dry-run: exiting now.");
    },
  );
});
