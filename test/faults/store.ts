import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withRun, type Run } from "./record.ts";
import type { Found } from "./totals.ts";

/** The raw record lies beside the report: a file of JSON lines for each commit. */
const FOLDER = "docs/fault-report";
const REPORT = "docs/fault-report.md";
const FOUND = join(FOLDER, "found.json");

/** The record on the disk. Each change replaces one file as a whole, so that a run may be killed at any moment. */
export class Store {
  readonly #folder: string;
  #record: Run[];

  constructor(root: string) {
    this.#folder = join(root, FOLDER);
    mkdirSync(this.#folder, { recursive: true });
    const files = readdirSync(this.#folder).filter((name) => name.endsWith(".jsonl"));
    this.#record = files.flatMap((name) => linesOf(join(this.#folder, name)));
  }

  get record(): readonly Run[] {
    return this.#record;
  }

  add(run: Run): void {
    const isOfCommit = ({ commit }: Run): boolean => commit === run.commit;
    const rows = withRun(this.#record.filter(isOfCommit), run);
    this.#record = [...this.#record.filter((row) => !isOfCommit(row)), ...rows];
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    replaceFile(join(this.#folder, `${run.commit.slice(0, 12)}.jsonl`), text);
  }
}

export const readFound = (root: string): Found[] =>
  JSON.parse(readFileSync(join(root, FOUND), "utf8")) as Found[];

export const writeReport = (root: string, text: string): void => replaceFile(join(root, REPORT), text);

function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.part`, text);
  renameSync(`${path}.part`, path);
}

const linesOf = (path: string): Run[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Run);
