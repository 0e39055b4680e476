import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SiteConfig } from "vitepress";
import { sidebar } from "./navigation.ts";
import { fileOf } from "./pages.ts";

/** Writes the site as text for language models: `llms.txt`, a list of the pages, and `llms-full.txt`, all of them. */
export function llms({ outDir, site }: Pick<SiteConfig, "outDir" | "site">, root: string): void {
  const sections = sidebar.map(({ text: title, items }) => ({
    title,
    pages: items.map(({ link, text: title }) => {
      const text = readFileSync(
        join(root, fileOf(link === "/" ? "index.md" : `${link.slice(1)}.md`)),
        "utf8",
      );
      return { link, title, text };
    }),
  }));
  const list = sections.map(
    ({ title, pages }) =>
      `## ${title}\n\n${pages.map((page) => `- [${page.title}](${page.link}): ${summaryOf(page.text)}`).join("\n")}\n`,
  );
  writeFileSync(join(outDir, "llms.txt"), `# ${site.title}\n\n> ${site.description}\n\n${list.join("\n")}`);
  const full = sections.flatMap(({ pages }) => pages.map(({ link, text }) => `<!-- ${link} -->\n\n${text}`));
  writeFileSync(join(outDir, "llms-full.txt"), full.join("\n\n"));
}

/** The first sentence of a page. */
function summaryOf(text: string): string {
  const prose = text.replace(/^---\n.*?\n---\n/s, "").split(/\n{2,}/);
  const first = prose.find((one) => /^[A-Z`*]/.test(one)) ?? "";
  const plain = first.replaceAll(/\s+/g, " ").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return /^.*?[.:?](?= |$)/.exec(plain)?.[0] ?? plain;
}
