import { readFileSync } from "node:fs";
import { parseSync, type ESTree } from "vite";

type Node = { readonly type: string; readonly start: number; readonly end: number };

/** A source file with its syntax and its comments. */
export class Source {
  readonly text: string;
  readonly #parsed: ReturnType<typeof parseSync>;

  constructor(file: string) {
    this.text = readFileSync(file, "utf8");
    this.#parsed = parseSync(file, this.text);
  }

  get statements(): ESTree.Program["body"] {
    return this.#parsed.program.body;
  }

  /** The comment that stands directly before a node, without its marks; empty where none does. */
  before({ start }: Pick<Node, "start">): string {
    const lines: string[] = [];
    let end = start;
    for (const comment of this.#parsed.comments.toReversed()) {
      if (comment.start >= end) continue;
      // Only space may stand between a comment and what follows it, and a comment after code belongs to that line.
      const between = this.text.slice(comment.end, end);
      const lead = this.text.slice(this.text.lastIndexOf("\n", comment.start) + 1, comment.start);
      if (between.trim() !== "" || /\n\s*\n/.test(between) || lead.trim() !== "") break;
      lines.unshift(plain(comment.value));
      end = comment.start;
    }
    return lines.join("\n").trim();
  }

  slice({ start, end }: Pick<Node, "start" | "end">): string {
    return this.text.slice(start, end);
  }
}

/** The text of a comment: lines without their stars, paragraphs with an empty line between them. */
const plain = (value: string): string =>
  value
    .replace(/^\*/, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd())
    .join("\n")
    .trim();
