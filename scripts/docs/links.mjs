// The links of Markdown files, as a forge follows them.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { slugOf } from "./slug.mjs";

/** The numbered lines of a file, without the lines of Markdown code blocks. */
export function* linesOf(file, whole = readFileSync(file, "utf8")) {
  let inBlock = false;
  for (const [n, text] of whole.split("\n").entries()) {
    if (file.endsWith(".md") && /^\s*```/.test(text)) inBlock = !inBlock;
    else if (!inBlock) yield [n + 1, text];
  }
}

/** The relative targets of links and images in a line, in Markdown and in HTML. */
export function linksIn(line) {
  const targets = [
    ...line
      .replaceAll(/`[^`]*`/g, "")
      .matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)|\b(?:href|src|srcset)="([^"]+)"/g),
  ];
  return targets
    .map(([, inMarkdown, defined, inHtml]) => inMarkdown ?? defined ?? inHtml)
    .filter((one) => !/^[a-z]+:/.test(one));
}

/** The reason why a link of a file leads nowhere; undefined where it leads somewhere. */
export function faultOf(file, target) {
  const [path, heading] = target.split("#");
  const page = path === "" ? file : join(dirname(file), path);
  if (!existsSync(page)) return `the link ${target} leads nowhere`;
  if (heading !== undefined && page.endsWith(".md") && !headingsOf(page).has(heading))
    return `${page} has no heading #${heading}`;
  return undefined;
}

/** The anchors that a forge makes of a page's headings; the second of two equal ones ends with -1. */
function headingsOf(file) {
  const anchors = new Set();
  for (const [, text] of linesOf(file)) {
    if (!/^#+ /.test(text)) continue;
    const slug = slugOf(text.replace(/^#+ /, ""));
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n += 1) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}
