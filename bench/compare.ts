/**
 * Measures two checkouts in turn: `node bench/compare.ts --before DIR`. See `--help`.
 *
 * A pair is one measurement of each checkout, right after one another, and every other pair begins with the other
 * checkout. The ratio within a pair counts. Server and load generator are fresh processes for each
 * measurement, as in `npm run bench`; both checkouts are bundled once. All cases are done before the next pair, so
 * that a slow minute of the machine does not fall on one case alone.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Measure, Measured } from "./lib/ringcast-only.ts";
import { median, spreadOf } from "./lib/stats.ts";

/** The module of `bench/cases`, and its export. */
const CASES: Readonly<Record<string, readonly [file: string, exportName: string]>> = {
  broadcast: ["broadcast.ts", "broadcast"],
  stream: ["stream.ts", "stream"],
  "low-rate": ["stream.ts", "lowRate"],
  direct: ["single.ts", "direct"],
  resume: ["shard.ts", "resume"],
  memory: ["shard.ts", "memory"],
  wake: ["shard.ts", "wake"],
  connect: ["connect.ts", "connect"],
};
const USUAL = ["broadcast", "stream", "low-rate", "direct", "resume", "memory", "wake"];
/** Each checkout has 100 ports from here on. A benchmark beside this program uses the ports from 9500 on. */
const FIRST_PORT = Number(process.env["BENCH_PORT"] ?? 9700);

const { values } = parseArgs({
  options: {
    before: { type: "string" },
    after: { type: "string", default: join(import.meta.dirname, "..") },
    case: { type: "string", multiple: true, default: USUAL },
    pairs: { type: "string", default: "7" },
    quick: { type: "boolean", default: false },
    clients: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const unknown = values.case.filter((name) => CASES[name] === undefined);
if (values.help || values.before === undefined || unknown.length > 0) {
  if (unknown.length > 0) console.error(`There is no case ${unknown.join(", ")}.`);
  console.log(`node bench/compare.ts --before DIR [--after DIR] [--case NAME ...] [--pairs 7] [--json FILE]
    [--quick] [--clients N]

Cases: ${Object.keys(CASES).join(", ")}. Without --case: ${USUAL.join(", ")}.
--after    by default this checkout; both checkouts need node_modules
--json     keeps every measurement, pair by pair
--quick    a tenth of the clients: only shows that the cases run`);
  process.exit(values.help ? 0 : 1);
}

type Side = "before" | "after";
type Figures = Readonly<Record<string, number>>;
type Pair = Readonly<Record<Side, Figures>>;
const options = {
  quick: values.quick,
  clients: values.clients === undefined ? undefined : Number(values.clients),
};
const startedAt = Date.now();
const runners: Readonly<Record<Side, ChildProcess>> = {
  before: startRunner(values.before, FIRST_PORT),
  after: startRunner(values.after, FIRST_PORT + 100),
};
const pairs = new Map<string, Pair[]>(values.case.map((name) => [name, []]));
const count = Number(values.pairs);
for (let turn = 0; turn < count; turn++) {
  for (const name of values.case) {
    const caseStartedAt = Date.now();
    const pair = await measurePair(name, turn);
    const seconds = Math.round((Date.now() - caseStartedAt) / 1_000);
    console.error(
      `pair ${turn + 1} of ${count}, ${name}: ${seconds} s${pair === undefined ? ", failed" : ""}`,
    );
    if (pair !== undefined) pairs.get(name)?.push(pair);
  }
  // A long run that is cut short keeps the pairs that it has measured.
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify(Object.fromEntries(pairs), null, 2)}\n`);
  }
}
for (const [name, done] of pairs) print(name, done);
console.log(`\n${count} pairs in ${Math.round((Date.now() - startedAt) / 1_000)} s`);
process.exit(0);

function startRunner(checkout: string, port: number): ChildProcess {
  const directory = resolve(checkout);
  const runner = fork(join(import.meta.dirname, "lib/ringcast-only.ts"), [directory], {
    cwd: directory,
    env: { ...process.env, BENCH_PORT: String(port) },
  });
  runner.on("exit", () => {
    console.error(`the measurements of ${directory} have ended early`);
    process.exit(1);
  });
  return runner;
}

/** Leaves out a pair with a failed measurement. */
async function measurePair(name: string, turn: number): Promise<Pair | undefined> {
  const measured = new Map<Side, Figures | undefined>();
  for (const side of turn % 2 === 0 ? (["before", "after"] as const) : (["after", "before"] as const)) {
    measured.set(side, await measure(side, name, turn));
  }
  const [before, after] = [measured.get("before"), measured.get("after")];
  return before === undefined || after === undefined ? undefined : { before, after };
}

async function measure(side: Side, name: string, turn: number): Promise<Figures | undefined> {
  const [file = "", exportName = ""] = CASES[name] ?? [];
  const answered = once(runners[side], "message");
  runners[side].send({ file, exportName, options, turn } satisfies Measure);
  const [measured] = (await answered) as [Measured];
  if ("error" in measured) {
    console.error(`${name}, ${side}: ${measured.error}`);
    return undefined;
  }
  const figures = Object.entries(measured.round).flatMap(([row, metrics]) =>
    Object.entries(metrics).map(([metric, value]) => [
      row === "Ringcast" ? metric : `${row}: ${metric}`,
      value,
    ]),
  );
  return Object.fromEntries(figures) as Figures;
}

function print(name: string, done: readonly Pair[]): void {
  const [first] = done;
  console.log(`\n${name}: ${done.length} pairs`);
  if (first === undefined) return;
  const lines = Object.keys(first.before).map((figure) => {
    const of = (side: Side) => done.map((pair) => pair[side][figure] ?? NaN);
    const after = of("after");
    const ratio = spreadOf(of("before").map((value, n) => (after[n] ?? NaN) / value));
    return [
      figure,
      {
        before: short(median(of("before"))),
        after: short(median(after)),
        "after/before": ratio.median.toFixed(3),
        least: ratio.least.toFixed(3),
        most: ratio.most.toFixed(3),
      },
    ];
  });
  console.table(Object.fromEntries(lines));
}

function short(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
