import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sidebar } from "../../../docs/.vitepress/navigation.ts";
import { fileOf, pageOf } from "../../../docs/.vitepress/pages.ts";
import { DISCONNECTS, ERRORS, UNSUBSCRIBES } from "../../../src/centrifuge/codes.ts";
import { clusterSettings, namespaceSettings } from "../../../scripts/docs/reference/settings.ts";
import { referencePages } from "../../../scripts/docs/reference/pages.ts";
import { faultOf, linesOf, linksIn } from "../../../scripts/docs/links.mjs";

const root = join(import.meta.dirname, "../../..");
const pages = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".md") && !name.startsWith("repository/"))
  .map((name) => `docs/${name}`);
const others = readdirSync(root).filter((name) => name.endsWith(".md"));

function faultsOf(file: string): string[] {
  return [...linesOf(file)].flatMap(([line, text]) =>
    linksIn(text)
      .map((target) => faultOf(file, target))
      .filter((fault) => fault !== undefined)
      .map((fault) => `${file}:${line}: ${fault}`),
  );
}

describe("[DO1] the pages of the documentation", () => {
  test("each is in the navigation once, and each entry has a page", () => {
    const entries = sidebar.flatMap(({ items }) => items.map(({ link }) => link));
    const shown = entries.filter((link) => !link.startsWith("/repository/"));
    expect(shown.toSorted()).toEqual(pages.map(pageOf).toSorted());
    for (const entry of entries) {
      const file = fileOf(entry === "/" ? "index.md" : `${entry.slice(1)}.md`);
      expect(pageOf(file), file).toBe(entry);
      expect(readFileSync(join(root, file), "utf8"), file).toMatch(/^# /m);
    }
  });

  test("each link leads to a file and a heading that exist", () => {
    expect([...others, ...pages].flatMap((name) => faultsOf(join(root, name)))).toEqual([]);
  });

  test("a link that leads nowhere is found", () => {
    const folder = mkdtempSync(join(tmpdir(), "ringcast-links-"));
    const page = join(folder, "page.md");
    writeFileSync(page, "# One `two`\n\n[a](#one-two) [b](#two)\n[c](gone.md)\n\n[d]: page.md#three\n");
    const found = faultsOf(page).map((fault) => fault.slice(page.length));
    rmSync(folder, { recursive: true });
    expect(found.map((fault) => fault.split(":")[1])).toEqual(["3", "4", "6"]);
  });
});

describe("[DO2] the reference", () => {
  test("the pages are what the code says", () => {
    const made = referencePages();
    expect(readdirSync(join(root, "docs/reference")).toSorted()).toEqual(Object.keys(made).toSorted());
    for (const [name, text] of Object.entries(made))
      expect(
        readFileSync(join(root, "docs/reference", name), "utf8") === text,
        `${name}: npm run docs:reference`,
      ).toBe(true);
  });

  test("each setting has a meaning, and its page has its default and bounds", () => {
    const settings = [...clusterSettings(), ...namespaceSettings()];
    expect(settings.length).toBeGreaterThan(100);
    expect(settings.filter(({ about }) => about === "").map(({ path }) => path)).toEqual([]);
    expect(referencePages()["settings.md"]).toContain(
      "| `limits.sessionsPerShard` | 20,000 | 1 to 32,000 | An object takes 32,768 sockets",
    );
  });

  test("each code that a client can be given is there", () => {
    const page = referencePages()["codes.md"] ?? "";
    for (const { code } of [
      ...Object.values(DISCONNECTS),
      ...Object.values(ERRORS),
      ...Object.values(UNSUBSCRIBES),
    ])
      expect(page).toContain(`\n| ${code} |`);
  });
});
