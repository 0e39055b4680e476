import { largerIsBetter } from "./against.ts";
import type { Result } from "./report.ts";

/** A case of the benchmark, and the figure of each of its rows that the drawing has. */
type Panel = {
  readonly name: string;
  readonly metric: string;
  readonly title: string;
  readonly unit: string;
};

const PANELS: readonly Panel[] = [
  {
    name: "stream",
    metric: "deliveries/s",
    title: "A stream to 2,000 listeners",
    unit: "deliveries a second",
  },
  {
    name: "broadcast",
    metric: "last ms",
    title: "One message to 4,000 listeners",
    unit: "ms until the last has it",
  },
  { name: "connect", metric: "connects/s", title: "Clients that arrive", unit: "connects a second" },
  { name: "memory", metric: "resident KB", title: "Memory of a client", unit: "KB of the process" },
];

const LABELS: Readonly<Record<string, string>> = {
  bare: "bare object",
  "Socket.IO": "Socket.IO, Node",
  ws: "ws, Node",
  "Ringcast, 1 subscription": "Ringcast",
};
/** A shard with more subscriptions has no peer in the case. */
const LEFT_OUT = ["Ringcast, 20 subscriptions"];

/** Narrow, so that its letters can be read on a phone. All lengths are in these units. */
const WIDTH = 460;
const MARGIN = 18;
const LABEL_WIDTH = 132;
const VALUE_WIDTH = 80;
const LINE = 24;
const BAR = 14;
const PANEL_HEAD = 50;

/**
 * The figures of the last recorded run as one SVG drawing, which follows the theme of the reader (SPEC SP3). It has a
 * background of its own, as the page around it may have the other theme.
 */
export function drawResults(results: Readonly<Record<string, Result>>): string {
  const panels: string[] = [];
  let top = 44;
  for (const panel of PANELS) {
    const result = results[panel.name];
    if (result === undefined) throw new Error(`the results have no case ${panel.name}`);
    const bars = barsOf(panel, result);
    panels.push(drawPanel(panel, bars, top));
    top += PANEL_HEAD + bars.length * LINE + 8;
  }
  const [first] = Object.values(results);
  const height = top + 26;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">
<title id="title">${escape(describe(results))}</title>
<style>
text { font: 15px system-ui, sans-serif; fill: #1c1f24 }
.head { font-size: 18px; font-weight: 650 } .name { font-weight: 650 } .quiet { fill: #5b616b; font-size: 13.5px }
.card { fill: #fff; stroke: #d9dce1 } .bar { fill: #aeb6c2 } .ours { fill: #0b6bcb } .value { text-anchor: end }
@media (prefers-color-scheme: dark) {
text { fill: #e9ebee } .quiet { fill: #a6adb8 }
.card { fill: #16191d; stroke: #33383f } .bar { fill: #5a6270 } .ours { fill: #58a6ff }
}
</style>
<rect class="card" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="10"/>
<text class="head" x="${MARGIN}" y="34">One shard beside its peers</text>
${panels.join("\n")}
<text class="quiet" x="${MARGIN}" y="${height - 16}">${escape(first === undefined ? "" : footOf(first))}</text>
</svg>
`;
}

type Bar = { readonly row: string; readonly label: string; readonly value: number };

const barsOf = ({ metric }: Panel, { rows }: Result): Bar[] =>
  Object.entries(rows).flatMap(([row, metrics]) => {
    const value = metrics[metric]?.median;
    return value === undefined || LEFT_OUT.includes(row) ? [] : [{ row, label: LABELS[row] ?? row, value }];
  });

function drawPanel({ title, unit, metric }: Panel, bars: readonly Bar[], top: number): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const room = WIDTH - 2 * MARGIN - LABEL_WIDTH - VALUE_WIDTH;
  const better = largerIsBetter(metric) ? "more is better" : "less is better";
  const lines = bars.map(({ row, label, value }, n) => {
    const y = top + PANEL_HEAD + n * LINE;
    const isOurs = row.startsWith("Ringcast");
    const name = isOurs ? ' class="name"' : "";
    return `<text${name} x="${MARGIN}" y="${y + 12}">${escape(label)}</text><rect class="bar${isOurs ? " ours" : ""}" x="${MARGIN + LABEL_WIDTH}" y="${y}" width="${Math.max(1, (value / most) * room).toFixed(1)}" height="${BAR}" rx="2"/><text class="value${isOurs ? " name" : ""}" x="${WIDTH - MARGIN}" y="${y + 12}">${short(value)}</text>`;
  });
  return `<text class="name" x="${MARGIN}" y="${top + 20}">${escape(title)}</text>
<text class="quiet" x="${MARGIN}" y="${top + 38}">${escape(`${unit}; ${better}`)}</text>
${lines.join("\n")}`;
}

/** The figures as a text, for a reader who does not see the drawing. */
const describe = (results: Readonly<Record<string, Result>>): string =>
  PANELS.map((panel) => {
    const bars = barsOf(panel, results[panel.name] as Result);
    return `${panel.title}, ${panel.unit}: ${bars.map(({ label, value }) => `${label} ${short(value)}`).join(", ")}.`;
  }).join(" ");

/** The part of the machine that a figure depends on most. */
const footOf = ({ date, machine }: Result): string => `${date.slice(0, 10)}, ${machine.split(";")[0] ?? ""}`;

const short = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(1);

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
