/** `npm run bench`: see bench/README.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { broadcast, socketioBroadcast } from "./cases/broadcast.ts";
import type { Case, Round } from "./cases/case.ts";
import { connect, socketioConnect } from "./cases/connect.ts";
import { hot } from "./cases/hot.ts";
import { ring } from "./cases/ring.ts";
import { balance } from "./cases/ring-balance.ts";
import { memory, resume, socketioMemory, wake } from "./cases/shard.ts";
import { direct, publish, router } from "./cases/single.ts";
import { lowRate, saturation, socketioStream, stream } from "./cases/stream.ts";
import { findLosses, machineOf } from "./lib/against.ts";
import { drawResults } from "./lib/drawing.ts";
import { describeMachine } from "./lib/machine.ts";
import { asMarkdown, printTable, summarise, type Result } from "./lib/report.ts";

const CASES: Readonly<Record<string, Case>> = {
  connect,
  broadcast,
  stream,
  saturation,
  "low-rate": lowRate,
  direct,
  publish,
  hot,
  router,
  resume,
  memory,
  wake,
  "socketio-connect": socketioConnect,
  "socketio-broadcast": socketioBroadcast,
  "socketio-stream": socketioStream,
  "socketio-memory": socketioMemory,
  ring,
};

const { values } = parseArgs({
  options: {
    case: { type: "string", multiple: true },
    quick: { type: "boolean", default: false },
    clients: { type: "string" },
    rounds: { type: "string" },
    json: { type: "string" },
    record: { type: "boolean", default: false },
    against: { type: "string" },
    draw: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`npm run bench -- [--case NAME ...] [--quick] [--clients N] [--rounds N] [--json FILE] [--record]
    [--against FILE] [--draw]

Cases: ${Object.keys(CASES).join(", ")}, ring-balance. Without --case: all but ring-balance.
--quick    a tenth of the clients, one round: only shows that the cases run
--record   keeps the results in bench/results.json, their tables in bench/README.md, and the drawing of them
--against  compares with the results in FILE (bench/results.json is the record), which have to come from the same
           machine; names each figure that is a tenth worse, and then ends with the status 1
--draw     only draws bench/results.json again, as bench/results.svg`);
  process.exit(0);
}
const wanted = values.case ?? Object.keys(CASES);
const unknown = wanted.filter((name) => name !== "ring-balance" && CASES[name] === undefined);
if (unknown.length > 0) {
  console.error(
    `There is no case ${unknown.join(", ")}. The cases: ${Object.keys(CASES).join(", ")}, ring-balance.`,
  );
  process.exit(1);
}
const RESULTS = join(import.meta.dirname, "results.json");
type Results = Record<string, Result>;
const readResults = (file: string) => JSON.parse(readFileSync(file, "utf8")) as Results;
if (values.draw) {
  draw(readResults(RESULTS));
  process.exit(0);
}
const options = { quick: values.quick, clients: numberOf("clients") };
const asked = numberOf("rounds");
const machine = describeMachine();
const recorded = values.against === undefined ? undefined : recordedOn(machine, values.against);
const results: Results = {};
for (const name of wanted) {
  if (name === "ring-balance") balance();
  else results[name] = await run(name, CASES[name] as Case);
  // A long run that is cut short keeps the cases that it has measured.
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}
if (values.record) record();
process.exit(recorded === undefined ? 0 : compare(recorded));

/** A whole number of at least one, or undefined where it is not given. Ends the process where it is another. */
function numberOf(name: "clients" | "rounds"): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  console.error(`--${name} is a whole number from 1 on, and not ${text}`);
  process.exit(2);
}

/** The results of a file by case. Ends the process where they are those of another machine. */
function recordedOn(here: string, file: string): Results {
  const all = readResults(file);
  const wrong = Object.entries(all).find(
    ([name, result]) =>
      wanted.includes(name) && machineOf(result) !== machineOf({ ...result, machine: here }),
  );
  if (wrong === undefined) return all;
  console.error(`${file} has the figures of another machine: ${wrong[1].machine}. This one: ${here}`);
  process.exit(2);
}

/** Prints what is worse than on record. Answers with the exit status. */
function compare(before: Results): number {
  const compared = Object.entries(results).filter(([name]) => before[name] !== undefined);
  const losses = compared.flatMap(([name, result]) => findLosses(name, before[name] as Result, result));
  const without = Object.keys(results).filter((name) => before[name] === undefined);
  if (without.length > 0) console.log(`not on record: ${without.join(", ")}`);
  for (const { name, row, metric, recorded: was, now, times } of losses) {
    const figures = `${now.toPrecision(3)} now, ${was.toPrecision(3)} on record`;
    console.log(`worse: ${name}, ${row}, ${metric}: ${figures} (${((times - 1) * 100).toFixed(0)} % worse)`);
  }
  console.log(`${compared.length} cases compared with the record, ${losses.length} figures are worse`);
  return losses.length > 0 ? 1 : 0;
}

function draw(all: Results): void {
  writeFileSync(join(import.meta.dirname, "results.svg"), drawResults(all));
}

async function run(name: string, one: Case): Promise<Result> {
  const rounds: Round[] = [];
  const count = asked ?? (values.quick ? 1 : one.rounds);
  for (let turn = 0; turn < count; turn++) {
    process.stderr.write(`\r${name}: round ${turn + 1} of ${count} `);
    rounds.push(await one.round(options, turn));
  }
  process.stderr.write("\r");
  const result = {
    about: one.about,
    date: new Date().toISOString().slice(0, 16),
    machine,
    rows: summarise(rounds),
    rounds: count,
  };
  printTable(name, result);
  return result;
}

/** Records the results of this run. The other cases keep the results of their last run. */
function record(): void {
  const all = { ...readResults(RESULTS), ...results };
  const sorted = Object.fromEntries(
    Object.keys(CASES).flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])),
  );
  writeFileSync(RESULTS, `${JSON.stringify(sorted, null, 2)}\n`);
  draw(sorted);
  const readme = join(import.meta.dirname, "README.md");
  const [before, after] = readFileSync(readme, "utf8").split(/<!-- results -->[^]*<!-- end of results -->/);
  const tables = Object.entries(sorted).map(([name, result]) => asMarkdown(name, result));
  writeFileSync(readme, `${before}<!-- results -->\n\n${tables.join("\n")}\n<!-- end of results -->${after}`);
}
