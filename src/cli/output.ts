import { stripVTControlCharacters } from "node:util";

/** A table for a person: columns in line, numbers to the right. A value from the network cannot steer the terminal. */
export function tableOf(rows: readonly Readonly<Record<string, string | number>>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const cells = [names, ...rows.map((row) => names.map((name) => plain(String(row[name] ?? ""))))];
  const widths = names.map((_, n) => Math.max(...cells.map((line) => line[n]?.length ?? 0)));
  const isNumber = names.map((name) => rows.every((row) => typeof row[name] === "number"));
  return cells
    .map((line) =>
      line
        .map((cell, n) =>
          isNumber[n] === true ? cell.padStart(widths[n] ?? 0) : cell.padEnd(widths[n] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const plain = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  stripVTControlCharacters(text).replaceAll(/[\u0000-\u001f\u007f-\u009f]/gu, " ");

/** The same for a text of several lines, which stay. */
export const plainLines = (text: string): string => text.split("\n").map(plain).join("\n");

/** What a command says: its result on standard output, and its progress on standard error. */
export class Output {
  readonly #json: boolean;

  constructor({ json }: { readonly json: boolean }) {
    this.#json = json;
  }

  /** The result, once: as JSON for programs, or as a text for people. */
  result(value: unknown, text: () => string): void {
    process.stdout.write(`${this.#json ? JSON.stringify(value, undefined, 2) : plainLines(text())}\n`);
  }

  /** One of many results, as they come. */
  line(value: unknown, text: () => string): void {
    process.stdout.write(`${this.#json ? JSON.stringify(value) : plain(text())}\n`);
  }

  /** A step of long work. */
  step(text: string): void {
    process.stderr.write(`${text}\n`);
  }
}
