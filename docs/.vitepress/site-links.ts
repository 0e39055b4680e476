import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import type { MarkdownRenderer } from "vitepress";
import { fileOf, pageOf } from "./pages.ts";

type Token = NonNullable<ReturnType<MarkdownRenderer["parse"]>[number]["children"]>[number];

/** A picture with a dark form follows the system; on the site it follows the theme that the reader has chosen. */
const PICTURE =
  /<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)" \/>\s*(<img src=")([^"]+)("[^>]*>)\s*<\/picture>/gs;
const pictureOf = (_: string, dark: string, before: string, light: string, after: string): string =>
  [
    [light, "in-light"],
    [dark, "in-dark"],
  ]
    .map(([src, name]) => `${before.replace("<img", `<img class="${name}" loading="lazy"`)}./${src}${after}`)
    .join("");

/**
 * Lets links that are relative to a file of the repository lead to the page of the site, or to the file in the forge where
 * the site has no page for it. Without a known forge the text stays and the link goes.
 */
export function siteLinks(md: MarkdownRenderer, root: string): void {
  const { repository } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    repository?: { url: string };
  };
  const forge = repository?.url.replace(/^git\+/, "").replace(/\.git$/, "");
  md.core.ruler.push("site-links", ({ tokens, env }) => {
    const here = posix.dirname(fileOf((env as { relativePath?: string }).relativePath ?? ""));
    for (const block of tokens) {
      if (block.type === "html_block") block.content = block.content.replace(PICTURE, pictureOf);
      for (const [at, token] of (block.children ?? []).entries())
        if (token.type === "link_open") follow(block.children ?? [], at, here);
        else if (token.type === "image") token.attrSet("src", imageOf(token.attrGet("src") ?? "", here));
    }
  });

  function follow(tokens: Token[], at: number, here: string): void {
    const link = tokens[at];
    const href = link?.attrGet("href") ?? "";
    if (link === undefined || href.startsWith("#") || /^[a-z]+:/.test(href)) return;
    const [path = "", anchor] = href.split("#");
    const file = posix.join(here, decodeURI(path)).replace(/\/$/, "");
    const page = pageOf(file);
    if (page !== undefined) link.attrSet("href", anchor === undefined ? page : `${page}#${anchor}`);
    else if (!existsSync(join(root, file)))
      throw new Error(`the link ${href} of a page in ${here} leads nowhere`);
    else if (forge !== undefined) link.attrSet("href", `${forge}/tree/main/${file}`);
    else {
      const end = tokens.slice(at).find(({ type }) => type === "link_close");
      for (const token of [link, end]) if (token !== undefined) token.tag = "span";
      link.attrs = [["title", `In the repository: ${file}`]];
      link.type = "text_open";
      if (end !== undefined) end.type = "text_close";
    }
  }
}

/** A page of the repository's root is shown from docs/repository/. */
function imageOf(src: string, here: string): string {
  if (/^[a-z]+:/.test(src) || here === "docs" || here.startsWith("docs/")) return src;
  return posix.relative("docs/repository", posix.join(here, src));
}
