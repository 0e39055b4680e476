import { NOT_IN_A_CLUSTER } from "./code.ts";
import { ACKNOWLEDGED, sumOf, WITHOUT_VERDICT, type Counts, type Run } from "./record.ts";
import { groupsBy, reasonAgainst, totalOf, type Found, type Group } from "./totals.ts";

/** A build with a slip that the histories had to find. Without `foundAt` it lived. */
export type Canary = {
  readonly plant: string;
  readonly options: string;
  readonly from: number;
  readonly within: number;
  readonly foundAt?: number;
  readonly broke?: string | undefined;
};

/** A slip that the suite puts into the code in its turn, and the history or the test that finds it. */
export type Slip = {
  readonly name: string;
  readonly law: string;
  readonly seed?: number;
  readonly options: string;
  readonly foundBy?: string;
};

export type ReportParts = {
  readonly record: readonly Run[];
  readonly found: readonly Found[];
  readonly canary: Canary;
  readonly slips: readonly Slip[];
  /** The code that the report is about; see {@link Run.srcTree}. */
  readonly srcTree: string;
  readonly version: string;
  /** ISO 8601. */
  readonly writtenAt: string;
};

const GOAL = { histories: 1_000_000, acknowledged: 1_000_000, faults: 10_000, kinds: 10 };

/**
 * The text of docs/fault-report.md. Throws where the canary lived: then the runs prove nothing, and no report may say
 * that they do (SPEC FT4).
 */
export function reportOf(parts: ReportParts): string {
  const { record, found, canary, slips, srcTree, version, writtenAt } = parts;
  if (canary.foundAt === undefined)
    throw new Error(
      `the canary lived: ${canary.within} histories from seed ${canary.from} on have not found the slip ${canary.plant}`,
    );
  const counted = record.filter((run) => reasonAgainst(run, { record, found }) === undefined);
  const histories = counted.filter(({ part }) => part === "simulator");
  const chaos = counted.filter(({ part }) => part === "chaos");
  const ofTree = histories.filter((run) => run.srcTree === srcTree);
  const chaosOfTree = chaos.filter((run) => run.srcTree === srcTree);
  const onTree = totalOf(ofTree);
  const onServer = totalOf(chaos);
  const faultsOnServer = total(onServer.faults);
  const kinds = Object.keys(onServer.faults).length;
  const acknowledged = onServer.counts[ACKNOWLEDGED] ?? 0;
  const acknowledgedOfTree = totalOf(chaosOfTree).counts[ACKNOWLEDGED] ?? 0;
  const faultsOfHistories = total(onTree.faults);
  const lines = [
    "# Fault report",
    "",
    `\`npm run faults\` has written this page at ${writtenAt.slice(0, 16)} UTC, for version ${version} and the tree \`${short(srcTree)}\`: what a`,
    `cluster runs of \`src/\`, which is all of it without ${NOT_IN_A_CLUSTER.map((name) => `\`${name}\``).join(", ")}. The raw record lies in [fault-report/](fault-report/): one file of JSON lines for each commit.`,
    "",
    "| | has run | goal |",
    "| --- | ---: | ---: |",
    `| histories in the simulator, on this tree | ${n(onTree.runs)} | ${n(GOAL.histories)} |`,
    `| publications acknowledged by a real server, over all commits that count | ${n(acknowledged)} | ${n(GOAL.acknowledged)} |`,
    `| of them on this tree | ${n(acknowledgedOfTree)} | ${n(GOAL.acknowledged / 10)} |`,
    `| faults of a real server | ${n(faultsOnServer)} | ${n(GOAL.faults)} |`,
    `| kinds of these faults | ${n(kinds)} | ${n(GOAL.kinds)} |`,
    "| lost, repeated or out of order in what counts | 0 | 0 |",
    "",
    "A run counts where its files were those of a commit, and where no run of the same commit or of the same tree has",
    "broken a law. The others are listed under [Runs that do not count](#runs-that-do-not-count).",
    "",
    "## The simulator",
    "",
    "A history is some clients, back ends, shards, channels and a coordinator on a simulated platform with virtual time.",
    "Its seed decides every step and every fault. In the end every law is checked.",
    "",
    `On this tree: ${n(onTree.runs)} histories with ${n(onTree.counts[ACKNOWLEDGED] ?? 0)} acknowledged publications, ${n(onTree.counts["deliveries"] ?? 0)} deliveries and`,
    `${n(faultsOfHistories)} faults.`,
    "",
    ...table("kind of fault", onTree.faults),
    ...table("histories with", pick(onTree.counts, /^(?:trait|releases): /u)),
    ...table("besides", pick(onTree.counts, /^(?:the policy|calls between|events)/u)),
    ...groupLines("The trees of `src/` with histories that count", groupsBy(histories, treeOf), (group) => [
      `\`${short(group.key)}\`${group.key === srcTree ? " (this one)" : ""}`,
      n(group.runs),
      n(total(group.faults)),
    ]),
    "## A real server",
    "",
    "Stock clients and back ends publish, and stock clients listen, while a real server (workerd, with storage on a disk)",
    "is broken. In the end each acknowledged publication must be in its log once, and each listener must have heard",
    "the log in order.",
    "",
    `Runs: ${n(onServer.runs)}. Runs without a verdict, for example because the machine was too busy: ${n(onServer.counts[WITHOUT_VERDICT] ?? 0)}; they add`,
    `nothing to the sums. ${n(onServer.counts["deliveries"] ?? 0)} deliveries, ${n(onServer.counts["resumes"] ?? 0)} resumes.`,
    "",
    ...table("kind of fault", onServer.faults),
    ...groupLines("The commits that count", groupsBy(chaos, commitOf), (group) => [
      `\`${short(group.key)}\`${group.rows[0]?.srcTree === srcTree ? " (this tree)" : ""}`,
      n(group.counts[ACKNOWLEDGED] ?? 0),
      n(total(group.faults)),
    ]),
    "## The canary",
    "",
    `Before this page was written, the same code ran a build with the slip \`${canary.plant}\` (test/sim/plants.ts), which had to`,
    `be found within ${n(canary.within)} histories. History ${n(canary.foundAt - canary.from + 1)} found it: ${plain(canary.broke ?? "")}. The same seed`,
    "passes without the slip.",
    "",
    "```sh",
    `npm run sim -- --plant ${canary.plant} ${canary.options} --seed ${canary.foundAt}`,
    "```",
    "",
    "## Slips",
    "",
    `The suite puts ${slips.length} slips into the code, in turns, and each has to be found (test/sim/plants.ts). Some were real. The`,
    "seed is the first history, from seed 1 on, that finds it.",
    "",
    ...slipLines(slips),
    "## Found and mended since the last release",
    "",
    ...foundLines(found),
    "## Runs that do not count",
    "",
    ...refusedLines(record, found),
    "## Not covered",
    "",
    ...NOT_COVERED.map((one) => `- ${one}`),
    "",
    "## Replay",
    "",
    "A history is the same each time, to the letter. A run on a real server has the same faults in the same order, at other",
    "moments. Each line is one row of the record.",
    "",
    "```sh",
    ...[...ofTree, ...chaosOfTree].map(replayOf),
    "```",
    "",
  ];
  return lines.join("\n");
}

const NOT_COVERED = [
  "Calls that come more than ten seconds late between this release and 0.2.0, whose own faults they would find.",
  "Socket.IO handlers of an application, acknowledgements and binary events; joins, emits and recovery are covered.",
  "A real network between machines, and the scheduler of Cloudflare: all runs are on one machine, or simulated.",
  "Losses of what the platform has called durable.",
  "More than one region, webhooks that fail, and tokens that expire: tests have them, these runs do not.",
  "Load: how fast it is, and how many clients it serves, is in bench/README.md.",
];

/** The command that repeats a row, at its commit. */
export function replayOf({ part, options, seeds, commit }: Run): string {
  const command = part === "simulator" ? `npm run sim -- --histories ${seeds.count}` : "npm run chaos --";
  return `git checkout ${short(commit)} && ${command} --seed ${seeds.from} ${options}`;
}

function refusedLines(record: readonly Run[], found: readonly Found[]): string[] {
  const refused = record.flatMap((run) => {
    const reason = reasonAgainst(run, { record, found });
    return reason === undefined ? [] : [{ run, reason }];
  });
  if (refused.length === 0) return ["None.", ""];
  return refused
    .flatMap(({ run, reason }) => [
      `- ${run.part}, commit \`${short(run.commit)}\`, ${n(run.seeds.count)} from seed ${run.seeds.from}: ${reason}.`,
      ...run.violations.flatMap(({ seed, what }) => {
        const known = found.find((one) => one.by === run.part && one.seed === seed);
        const mended = known === undefined ? "open" : `${known.law}, mended in \`${known.fixed}\``;
        const alone = replayOf({ ...run, seeds: { from: seed, count: 1 } });
        return [`  - seed ${seed} (${mended}): ${plain(what.join("; "))}`, `    \`${alone}\``];
      }),
    ])
    .concat("");
}

const slipLines = (slips: readonly Slip[]): string[] => [
  "| law | slip | found by |",
  "| --- | --- | --- |",
  ...slips
    .toSorted((a, b) => a.law.localeCompare(b.law, "en", { numeric: true }))
    .map(({ name, law, seed, options, foundBy }) => {
      const how =
        foundBy === undefined
          ? `npm run sim -- --plant ${name} --seed ${seed ?? 1} ${options}`
          : `RINGCAST_PLANT=${name} npx vitest run ${foundBy}`;
      return `| ${law} | ${name} | \`${how}\` |`;
    }),
  "",
];

const foundLines = (found: readonly Found[]): string[] => [
  `The simulator and chaos have found ${n(found.length)} faults. CHANGELOG.md has those that reading and tests have found, too.`,
  "",
  "| law | fault | found by | mended in |",
  "| --- | --- | --- | --- |",
  ...found.map(({ law, what, by, seed, at, options, fixed, inTests }) => {
    const how =
      seed === undefined || at === undefined
        ? by
        : `${by}: \`git checkout ${at} && npm run sim -- --seed ${seed} ${options ?? ""}\``;
    return `| ${law} | ${plain(what)}${inTests === true ? " (in the tests)" : ""} | ${how} | \`${fixed}\` |`;
  }),
  "",
];

function table(what: string, counts: Counts): string[] {
  const rows = Object.entries(counts).toSorted(([, a], [, b]) => b - a);
  if (rows.length === 0) return [];
  return [
    `| ${what} | times |`,
    "| --- | ---: |",
    ...rows.map(([name, count]) => `| ${name} | ${n(count)} |`),
    "",
  ];
}

function groupLines(title: string, groups: readonly Group[], cellsOf: (group: Group) => string[]): string[] {
  if (groups.length === 0) return [];
  const kind = groups[0]?.rows[0]?.part === "chaos" ? "publications acknowledged" : "histories";
  return [
    `${title}:`,
    "",
    `| | ${kind} | faults |`,
    "| --- | ---: | ---: |",
    ...groups.map((group) => `| ${cellsOf(group).join(" | ")} |`),
    "",
  ];
}

const pick = (counts: Counts, pattern: RegExp): Counts =>
  Object.fromEntries(Object.entries(counts).filter(([name]) => pattern.test(name)));

const total = (counts: Counts): number =>
  Object.values(sumOf([counts])).reduce((sum, count) => sum + count, 0);

const treeOf = ({ srcTree }: Run): string => srcTree;
const commitOf = ({ commit }: Run): string => commit;
const short = (hash: string): string => hash.slice(0, 10);
const n = (count: number): string => count.toLocaleString("en");
/** A text of a run, as the cell of a table. */
const plain = (text: string): string => text.replaceAll(/[|`\n<>]/gu, " ").slice(0, 300);
