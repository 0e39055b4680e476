/** Replays one history, or runs many: `npm run sim -- --seed 7 --steps 60`, `npm run sim -- --histories 1000`. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { reportCoverage } from "./cover.ts";
import { growthOf } from "./growth.ts";
import { alone, inOrder, inThreads, type Histories, type Job } from "./histories.ts";
import type { HistoryOptions, Outcome } from "./history.ts";
import { PLANTS } from "./plants.ts";
import { register } from "./register.ts";
import { ROLLOUT_KINDS } from "./rollout.ts";
import { shrink } from "./shrink.ts";
import { TRAITS, type Trait } from "./traits.ts";
import { planTwice, Twice, type Planned } from "./twice.ts";

/** A thread of its own is dear to begin. */
const THREADS_FROM = 64;
/** The histories whose decisions are listed. */
const COVERED = 1_000;
/** So many failing histories of a run are shrunk. */
const SHRUNK_MOST = 3;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    steps: { type: "string", default: "60" },
    histories: { type: "string" },
    plant: { type: "string" },
    releases: { type: "string" },
    traits: { type: "string" },
    keep: { type: "string" },
    without: { type: "string" },
    shrink: { type: "boolean" },
    coverage: { type: "boolean", default: false },
    threads: { type: "string" },
    years: { type: "string" },
    help: { type: "boolean", default: false },
  },
  allowNegative: true,
});
if (values.help) {
  console.log("npm run sim -- [--seed 1] [--steps 60] [--histories 1] [--releases KIND] [--plant NAME]");
  console.log("One history prints what happened in it. Several print the seeds that broke a law.");
  console.log(
    `--releases: the releases in each history (${ROLLOUT_KINDS.join(", ")}). The default: by seed.`,
  );
  console.log(
    `--traits: what each history has besides its steps (${TRAITS.join(",")}). The default: by seed.`,
  );
  console.log("--keep 3,7 --without TRAIT: a part of a history, as the report of a failure names it.");
  console.log("--no-shrink: failing histories as they are. With --plant the default; --shrink shrinks them.");
  console.log(
    "--coverage: the branches that no history takes, compared with test/sim/never-taken.txt. The default: 1000 histories.",
  );
  console.log("--threads N: histories at a time. The default: one, and all cores from 64 histories on.");
  console.log(
    "--years N: a small cluster lives N years, and what it stores and does each day must stay level.",
  );
  console.log("--plant puts a slip into the code and stops at the first seed that breaks a law:");
  console.log(`  ${Object.keys(PLANTS).join(", ")}`);
  process.exit(0);
}
const plant = values.plant === undefined ? undefined : PLANTS[values.plant];
if (values.plant !== undefined && plant === undefined) {
  console.error(`unknown --plant ${values.plant}; known are ${Object.keys(PLANTS).join(", ")}`);
  process.exit(2);
}
const asked = values.releases;
const askedKind = ROLLOUT_KINDS.find((kind) => kind === asked);
if (askedKind === undefined && asked !== undefined) {
  console.error(`unknown --releases ${asked}; known are ${ROLLOUT_KINDS.join(", ")}`);
  process.exit(2);
}
const traitsIn = (text: string): Trait[] =>
  text.split(",").flatMap((name) => {
    const trait = TRAITS.find((one) => one === name);
    if (trait !== undefined) return [trait];
    if (name === "") return [];
    console.error(`unknown trait ${name}; known are ${TRAITS.join(", ")}`);
    process.exit(2);
    return [];
  });
const traits = values.traits === undefined ? undefined : traitsIn(values.traits);
const without = values.without === undefined ? undefined : traitsIn(values.without);
const keep = values.keep?.split(",").map(Number);
/** A plant changes the present code, so a plant that names no releases needs the present release alone. */
const kind = askedKind ?? (plant === undefined ? undefined : (plant.releases ?? "none"));
const planted = register(plant);
if (values.years !== undefined) {
  const { liveYears } = await import("./years.ts");
  const quarters = [];
  for await (const quarter of liveYears(Number(values.seed), Number(values.years))) {
    quarters.push(quarter);
    const shown = Object.entries(quarter).map(([name, value]) => `${name} ${value.toFixed(1)}`);
    console.log(
      `year ${Math.ceil(quarters.length / 4)}, quarter ${((quarters.length - 1) % 4) + 1}: ${shown.join(", ")}`,
    );
  }
  const growth = growthOf(quarters);
  for (const line of growth) console.log(`grows: ${line}`);
  console.log(`${values.years} years, ${growth.length} measures grow`);
  process.exit(growth.length > 0 ? 1 : 0);
}

const [seed, steps] = [Number(values.seed), Number(values.steps)];
const count = Number(values.histories ?? (values.coverage ? COVERED : 1));
const width = Number(values.threads ?? (count < THREADS_FROM ? 1 : availableParallelism()));
const histories =
  width > 1 || values.coverage
    ? inThreads(width, { plant: values.plant, isCovered: values.coverage })
    : await inThisThread();

async function inThisThread(): Promise<Histories> {
  const { runHistory } = await import("./history.ts");
  if (!planted.loaded()) throw new Error("the simulator does not run the file that the plant changes");
  return alone((job) => runHistory(job.seed, job.steps, job.options));
}

const options: HistoryOptions = { trace: count === 1, releases: kind, traits, keep, without };
/** The command that runs a history again. */
const replay = (n: number, releases: string, more: readonly string[] = []): string => {
  const asked = [
    ...(values.traits === undefined ? [] : [`--traits ${values.traits === "" ? '""' : values.traits}`]),
    ...more,
    ...(values.plant === undefined ? [] : [`--plant ${values.plant}`]),
  ];
  return ["npm run sim -- --seed", n, "--steps", steps, "--releases", releases, ...asked].join(" ");
};

async function showShrunk(outcome: Outcome, job: Job): Promise<void> {
  const whole = { ...job.options, trace: false, releases: outcome.releases };
  const part = await shrink({ outcome, steps }, ({ keep: kept, without: left }) =>
    histories.run({ ...job, options: { ...whole, keep: kept, without: left } }),
  );
  const isWithout = part.without.length > 0 ? ` and without ${part.without.join(", ")}` : "";
  console.log(`  shrunk to ${part.keep.length} of ${steps} steps${isWithout}:`);
  const more = [
    `--keep ${part.keep.join(",")}`,
    ...(part.without.length > 0 ? [`--without ${part.without.join(",")}`] : []),
  ];
  console.log(`  ${replay(job.seed, outcome.releases, more)}`);
}

let broken = 0;
let deliveries = 0;
let callsBetweenReleases = 0;
let guests = 0;
const scaled: Record<string, number> = { add: 0, step: 0, drain: 0, back: 0 };
const jobs = Array.from({ length: count }, (_, n): Job => ({ seed: seed + n, steps, options }));
const planned = count === 1 ? jobs.map((job): Planned => ({ job, again: false })) : planTwice(jobs);
const twice = new Twice();
for await (const { outcome, ...one } of inOrder(histories, planned)) {
  const { violations, trace, ...counts } = outcome;
  const { seed: n } = one.job;
  const differs = twice.compare(one, outcome);
  if (differs !== undefined) {
    broken += 1;
    console.log(`seed ${n} is not the same history twice (SPEC SM1): ${differs}`);
    if (plant !== undefined) break;
  }
  if (one.again) continue;
  deliveries += counts.deliveries;
  callsBetweenReleases += counts.callsBetweenReleases;
  guests += counts.guests;
  for (const done of counts.scaled) scaled[done] = (scaled[done] ?? 0) + 1;
  if (count === 1) {
    for (const line of trace) console.log(line);
    console.log(counts);
  }
  if (violations.length === 0) continue;
  broken += 1;
  console.log(`seed ${n}: ${violations.join("; ")}`);
  console.log(`  ${replay(n, counts.releases)}`);
  const isShrunk = values.shrink ?? plant === undefined;
  if (isShrunk && keep === undefined && broken <= SHRUNK_MOST) await showShrunk(outcome, one.job);
  if (plant !== undefined) break;
}
const own = ["seed", "steps", "histories", "releases", "traits", "plant", "keep", "without"];
const isWhole = process.argv.every((one) => !own.some((name) => one.startsWith(`--${name}`)));
const coverage = values.coverage ? await histories.coverage() : undefined;
await histories.close();
const isNewInList = coverage !== undefined && (await reportCoverage(coverage, { isWhole }));
console.log(`${callsBetweenReleases} calls between objects of two releases`);
const changes = Object.entries(scaled).map(([done, changed]) => `${changed} ${done}`);
console.log(`the policy changed the ring: ${changes.join(", ")}; ${guests} guests in the end`);
console.log(`${count} histories of ${steps} steps, ${deliveries} deliveries, ${broken} broke a law`);
process.exitCode = broken > 0 || isNewInList ? 1 : 0;
