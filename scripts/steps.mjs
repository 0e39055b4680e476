// Runs the steps of `npm run check`, `npm run unit` and `npm test`. The output of a step goes to its own log in .logs.
// A step that passes prints one line, and a step that fails prints the part of its log that explains the failure.
import { spawn } from "node:child_process";
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

const LOGS = ".logs";
/** In CI the log is lost afterwards, so the output shows more of it. */
const inCi = (process.env.CI ?? "") !== "";
const live = process.stdout.isTTY && !inCi;
const SHOWN_LINES = inCi ? 200 : 60;
const NOISE_LINES = inCi ? 80 : 15;
/** A line of the runtime may be a stack of many kilobytes. */
const LINE_LENGTH = 300;
/** The longest test of the release tier takes less. */
const SILENCE_MS = 30 * 60_000;
const PROGRESS_MS = live ? 250 : 30_000;

/**
 * A command, and its name in the output. With `tests` it is a run of vitest, which reports its tests over a channel
 * (scripts/vitest-progress.mjs).
 *
 * @typedef {{ name: string, command: string, args: readonly string[], tests?: boolean, env?: Record<string, string> }} Step
 */

/** A step that runs some projects of vitest, or all if no project is named. */
export const vitest = (name, { projects = [], env = {} } = {}) => ({
  name,
  command: "vitest",
  args: [
    "run",
    "--allowOnly=false",
    "--reporter=default",
    "--reporter=./scripts/vitest-progress.mjs",
    ...projects.flatMap((project) => ["--project", project]),
  ],
  tests: true,
  env,
});

/**
 * Runs groups of steps, one group after the other, and the steps of a group two at a time. The later steps run also
 * after a failure. Ends the process: the last line is `N passed, N failed`, and the exit status is 1 after a failure.
 *
 * @param {readonly (readonly Step[])[]} groups
 */
export async function runSteps(groups) {
  mkdirSync(LOGS, { recursive: true });
  const total = { passed: 0, failed: 0 };
  const failures = [];
  for (const group of groups) {
    const waiting = [...group];
    const worker = async () => {
      for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
        const { passed, failed } = await run(step);
        total.passed += passed;
        total.failed += failed;
        if (failed > 0) failures.push(step.name);
      }
    };
    await Promise.all([worker(), worker()]);
  }
  if (failures.length > 0) console.log(`\nFailed: ${failures.join(", ")}`);
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  process.exit(total.failed > 0 ? 1 : 0);
}

/** @param {Step} step */
async function run(step) {
  const path = join(LOGS, `${step.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.log`);
  const log = openSync(path, "w");
  const started = Date.now();
  const seconds = () => ((Date.now() - started) / 1_000).toFixed(1);
  const child = spawn(step.command, step.args, {
    stdio: ["ignore", log, log, ...(step.tests === true ? ["ipc"] : [])],
    env: {
      ...process.env,
      NO_COLOR: "1",
      FORCE_COLOR: "0",
      WRANGLER_SEND_METRICS: "false",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      ...step.env,
    },
  });
  const tests = step.tests === true ? watchTests(child, log) : undefined;
  // A test that never ends is a failure too, and MUST NOT keep the run for ever.
  const patience = setInterval(() => {
    if (tests === undefined || Date.now() - tests.lastWordAt() < SILENCE_MS) return;
    print(`✗ ${step.name}: no test has ended for ${SILENCE_MS / 60_000} minutes${tests.progress()}`);
    child.kill("SIGKILL");
  }, 10_000);
  const progress = setInterval(
    () => say(`… ${step.name}, ${seconds()} s${tests?.progress() ?? ""}`),
    PROGRESS_MS,
  );
  const status = await new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    // On "exit" the last messages of the child may still be in the channel.
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
  clearInterval(progress);
  clearInterval(patience);
  closeSync(log);
  const counted =
    tests?.count(status === 0) ?? (status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
  const about = tests === undefined ? "" : `, ${counted.passed} passed`;
  if (counted.failed === 0) {
    print(`✓ ${step.name}, ${seconds()} s${about}`);
    return counted;
  }
  print(`✗ ${step.name}, ${seconds()} s${tests === undefined ? "" : `${about}, ${counted.failed} failed`}`);
  const text = stripVTControlCharacters(readFileSync(path, "utf8"));
  if (tests === undefined) print(lastLines(text, SHOWN_LINES));
  else print(tests.explain(text, { status, path }));
  print(`  The whole log: ${path}`);
  return counted;
}

/** Follows a run of vitest: its progress, its failures, and the part of the log of each failure. */
function watchTests(child, log) {
  const running = new Map();
  const failures = [];
  let files = 0;
  let done = 0;
  let passed = 0;
  let end;
  let lastWordAt = Date.now();
  const size = () => fstatSync(log).size;
  child.on("message", (message) => {
    lastWordAt = Date.now();
    switch (message.kind) {
      case "start":
        files = message.files;
        return;
      case "fileStart":
        running.set(message.file, size());
        return;
      case "test":
        passed += 1;
        return;
      case "failure":
        failures.push({ ...message, from: running.get(message.file) ?? 0, to: size() });
        // The first line of a failure is printed at once, before the end of the run.
        print(`✗ ${message.file}: ${message.name}: ${message.text.split("\n")[0]}`);
        return;
      case "fileEnd":
        running.delete(message.file);
        done += 1;
        return;
      case "end":
        end = message;
    }
  });
  return {
    lastWordAt: () => lastWordAt,
    progress: () =>
      `, ${done} of ${files} files, ${passed} tests passed; now ${[...running.keys()].join(", ")}`,
    count(wentWell) {
      if (end === undefined) return { passed, failed: Math.max(1, failures.length) };
      // A file that cannot be loaded, a hook that throws or an error between two tests fails no test.
      const failed = Math.max(end.failed, failures.length, wentWell ? 0 : 1);
      return { passed: end.passed, failed };
    },
    explain(text, { status, path }) {
      if (failures.length === 0) return lastLines(text, SHOWN_LINES);
      const bytes = readFileSync(path);
      // One failure for each file is enough.
      const files = new Map(failures.map((failure) => [failure.file, failure]));
      const noise = [...files.values()].slice(0, 5).map(({ file, from, to }) => {
        const around = stripVTControlCharacters(bytes.subarray(from, to).toString());
        return `  The log before ${file} failed:\n${indent(lastLines(around, NOISE_LINES))}`;
      });
      const ended = end === undefined ? [`  vitest ended with ${status} before it had run all tests.`] : [];
      return [
        ...failures.map(({ file, name, text: told }) => `✗ ${file}: ${name}\n${indent(told)}`),
        ...ended,
        ...noise,
        "",
      ].join("\n\n");
    },
  };
}

/** Shows the progress of a step: a terminal shows it in place of the last progress, other outputs as a new line. */
function say(text) {
  if (live) process.stdout.write(`\r\u001b[K${text.slice(0, (process.stdout.columns ?? 80) - 1)}`);
  else console.log(text);
}

function print(text) {
  if (live) process.stdout.write("\r\u001b[K");
  console.log(text);
}

function lastLines(text, count) {
  const lines = text.trimEnd().split("\n");
  return lines
    .slice(-count)
    .map((line) => (line.length > LINE_LENGTH ? `${line.slice(0, LINE_LENGTH)} …` : line))
    .join("\n");
}

const indent = (text) => text.replaceAll(/^(?=.)/gm, "  ");
