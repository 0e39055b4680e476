import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sidebar } from "../../../docs/.vitepress/navigation.ts";
import { fileOf, pageOf } from "../../../docs/.vitepress/pages.ts";
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
