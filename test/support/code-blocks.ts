import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** A code block of a page. */
export type CodeBlock = {
  /** The page and the line, as a test reports them. */
  readonly at: string;
  readonly page: string;
  readonly language: string;
  readonly text: string;
  /** The name of the file that the block is, by the comment in its first line. */
  readonly file: string | undefined;
};

/** README.md, CONTRIBUTING.md and the written pages of docs/; those of docs/reference are made of the code. */
export const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && !/^(reference|repository)\//.test(name))
    .map((name) => `docs/${name}`),
];

export function codeBlocksOf(page: string): CodeBlock[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^( *)```(\S*)[^\n]*\n(.*?)^ *```$/gms)].map((match) => {
    const [, indent = "", language = "", body = ""] = match;
    const line = text.slice(0, match.index).split("\n").length;
    return {
      at: `${page}:${line}`,
      page,
      language,
      text: body.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      file: /^(?:\/\/|#) (\S+\.\w+)\s*$/m.exec(body.split("\n")[0] ?? "")?.[1],
    };
  });
}

export const codeBlocks = (...languages: readonly string[]): CodeBlock[] =>
  PAGES.flatMap(codeBlocksOf).filter(({ language }) => languages.includes(language));
