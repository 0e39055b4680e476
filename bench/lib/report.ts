import type { Round } from "../cases/case.ts";
import { spreadOf, type Spread } from "./stats.ts";

/** The figures by row and metric. `ratio` is the ratio to the first row within each round. */
type Summary = Readonly<Record<string, Readonly<Record<string, Spread & { readonly ratio: Spread }>>>>;

export type Result = {
  readonly about: string;
  readonly date: string;
  readonly machine: string;
  readonly rounds: number;
  readonly rows: Summary;
};

export function summarise(rounds: readonly Round[]): Summary {
  const [first] = rounds;
  if (first === undefined) return {};
  const [base = ""] = Object.keys(first);
  const metric = (row: string, name: string) => {
    const values = rounds.map((round) => round[row]?.[name] ?? NaN);
    const ratios = rounds.map((round) => (round[row]?.[name] ?? NaN) / (round[base]?.[name] ?? NaN));
    return { ...spreadOf(values), ratio: spreadOf(ratios) };
  };
  return Object.fromEntries(
    Object.entries(first).map(([row, metrics]) => [
      row,
      Object.fromEntries(Object.keys(metrics).map((name) => [name, metric(row, name)])),
    ]),
  );
}

const short = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(value >= 10 ? 1 : 2);

const cell = ({ median, least, most, ratio }: Spread & { ratio: Spread }, many: boolean): string => {
  const spread = many ? ` (${short(least)} to ${short(most)})` : "";
  const times = Number.isFinite(ratio.median) ? ` ×${ratio.median.toFixed(2)}` : "";
  return `${short(median)}${spread}${times}`;
};

function cells({ rows, rounds }: Result): { metrics: string[]; lines: [string, string[]][] } {
  const metrics = [...new Set(Object.values(rows).flatMap((row) => Object.keys(row)))];
  const lines = Object.entries(rows).map(([name, row]): [string, string[]] => [
    name,
    metrics.map((metric) => {
      const value = row[metric];
      return value === undefined ? "" : cell(value, rounds > 1);
    }),
  ]);
  return { metrics, lines };
}

export function printTable(name: string, result: Result): void {
  const { metrics, lines } = cells(result);
  console.log(`\n${name}: ${result.about} (${result.rounds} rounds)`);
  const table = lines.map(([row, values]) => [
    row,
    Object.fromEntries(metrics.map((one, n) => [one, values[n]])),
  ]);
  console.table(Object.fromEntries(table));
}

export function asMarkdown(name: string, result: Result): string {
  const { metrics, lines } = cells(result);
  return [
    `### ${name}: ${result.about}`,
    "",
    `${result.date.replace("T", " ")} UTC, ${result.rounds} rounds; ${result.machine}.`,
    "",
    `| | ${metrics.join(" | ")} |`,
    `|---|${metrics.map(() => "---:|").join("")}`,
    ...lines.map(([row, values]) => `| ${row} | ${values.join(" | ")} |`),
    "",
  ].join("\n");
}
