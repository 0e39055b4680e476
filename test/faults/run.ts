/** `npm run faults`: runs histories and a broken server, keeps the record, and writes docs/fault-report.md. */
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readSlips, runCanary, WITHIN } from "./canary.ts";
import { runChaos } from "./chaos.ts";
import { isPublic, readCode } from "./code.ts";
import { Gate } from "./gate.ts";
import { runHistories } from "./histories.ts";
import { ACKNOWLEDGED, distinctSeeds, sumOf } from "./record.ts";
import { reportOf } from "./report.ts";
import { readFound, Store, writeReport } from "./store.ts";
import { reasonAgainst } from "./totals.ts";

const HELP = `npm run faults -- [--minutes N] [--histories N] [--acknowledged N] [--only simulator|chaos] [--report]
Breaks the cluster in the simulator and on a real server, keeps a record in docs/fault-report/, and writes
docs/fault-report.md. It goes on where it has stopped; Ctrl-C ends it and loses the present batch alone.

--minutes N       at most so long; 10 without any goal
--histories N     until the record has so many histories of the present src/
--acknowledged N  until the record has so many acknowledged publications that count
--only PART       the simulator or the server alone
--report          writes the report of what is on record, and runs the canary alone
--unclean         runs though files have changed since the commit; none of it counts
--canary SLIP     the slip of the canary (test/sim/plants.ts), which must be found within --within N (${WITHIN})
--pause-file F    pauses while the file exists (or the variable RINGCAST_FAULTS_PAUSE_FILE)`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    histories: { type: "string" },
    acknowledged: { type: "string" },
    only: { type: "string" },
    report: { type: "boolean", default: false },
    "pause-file": { type: "string" },
    /** The folder whose docs/ gets the record and the report: another one in tests. */
    into: { type: "string" },
    unclean: { type: "boolean", default: false },
    canary: { type: "string" },
    within: { type: "string", default: String(WITHIN) },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const ROOT = join(import.meta.dirname, "../..");
/** The parts take turns of this length. */
const TURN_MS = 240_000;
const goalOf = (name: "minutes" | "histories" | "acknowledged"): number | undefined => {
  const text = values[name];
  const goal = text === undefined ? undefined : Number(text);
  if (goal === undefined || goal > 0) return goal;
  console.error(`--${name} takes a number above 0`);
  process.exit(2);
};
const { only } = values;
if (only !== undefined && only !== "simulator" && only !== "chaos") {
  console.error(`unknown --only ${only}; known are simulator and chaos`);
  process.exit(2);
}
const histories = goalOf("histories");
const acknowledged = goalOf("acknowledged");
const hasGoal = histories !== undefined || acknowledged !== undefined;
const minutes = goalOf("minutes") ?? (hasGoal ? Infinity : 10);
const end = Date.now() + minutes * 60_000;
const isLate = (): boolean => Date.now() > end;

setPriority(constants.priority.PRIORITY_LOW);
const into = values.into ?? ROOT;
const store = new Store(into);
const found = readFound(ROOT);
const gate = new Gate(values["pause-file"] ?? process.env["RINGCAST_FAULTS_PAUSE_FILE"]);

/** What is on record and counts. */
const counted = (part: "simulator" | "chaos") =>
  store.record.filter(
    (run) => run.part === part && reasonAgainst(run, { record: store.record, found }) === undefined,
  );
const wants = {
  simulator: (): boolean => {
    if (only === "chaos") return false;
    if (histories === undefined) return !hasGoal || only === "simulator";
    const { srcTree } = readCode(ROOT);
    return distinctSeeds(counted("simulator").filter((run) => run.srcTree === srcTree)) < histories;
  },
  chaos: (): boolean => {
    if (only === "simulator") return false;
    if (acknowledged === undefined) return !hasGoal || only === "chaos";
    const counts = sumOf(counted("chaos").map((run) => run.counts));
    return (counts[ACKNOWLEDGED] ?? 0) < acknowledged;
  },
};

if (!values.report && !isPublic(ROOT))
  console.warn("No remote branch has this commit. Push it as it is, or no reader can repeat the runs.");
// Even the shortest time has one turn.
for (let turn = 1; !values.report && (turn === 1 || !isLate()); turn++) {
  if (!wants.simulator() && !wants.chaos()) break;
  await gate.opened();
  const code = readCode(ROOT);
  const against = reasonAgainst({ ...code, violations: [] }, { record: store.record, found });
  if (against !== undefined && !values.unclean) {
    console.error(`No run of this code would count: ${against}.`);
    process.exit(2);
  }
  const violations = (): number => store.record.reduce((sum, run) => sum + run.violations.length, 0);
  const before = violations();
  if (wants.simulator()) {
    const turnEnd = wants.chaos() ? Date.now() + TURN_MS : Infinity;
    await runHistories({
      root: ROOT,
      code,
      store,
      gate,
      isOver: () => isLate() || Date.now() > turnEnd || violations() > before || !wants.simulator(),
    });
  }
  if (violations() === before && wants.chaos() && (turn === 1 || !isLate()))
    await runChaos({ root: ROOT, code, store, gate });
  if (violations() > before) {
    console.error("A law broke. The record has the seed, and docs/fault-report.md shows it.");
    process.exitCode = 1;
    break;
  }
}

const code = readCode(ROOT);
console.log("The canary runs: a build with a slip that has to be found.");
const canary = await runCanary({
  code,
  turn: store.record.reduce((sum, { seeds }) => sum + seeds.count, 0),
  plant: values.canary,
  within: Number(values.within),
});
try {
  const text = reportOf({
    record: store.record,
    found,
    canary,
    slips: readSlips(),
    srcTree: code.srcTree,
    version: code.versions["project"] ?? "",
    writtenAt: new Date().toISOString(),
  });
  writeReport(into, text);
  console.log("docs/fault-report.md is written.");
} catch (error) {
  console.error(`No report is written: ${error instanceof Error ? error.message : String(error)}.`);
  process.exitCode = 3;
}
