// `npm test`: every check, one after the other, all of them also after a failure.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const report = join(tmpdir(), `ringcast-tests-${process.pid}.json`);
const code = ["src", "test", "demo", "bench", "scripts", "vitest.config.ts"];
const steps = [
  ["format", "oxfmt", ["--check", ...code, "examples"]],
  ["lint", "oxlint", ["--type-aware", "--deny-warnings", ...code]],
  ["types", "tsc", ["-p", "tsconfig.json"]],
  ["types, pure folders", "tsc", ["-p", "tsconfig.pure.json"]],
  ["types, console", "tsc", ["-p", "src/console/tsconfig.json"]],
  ["types, tests", "tsc", ["-p", "test/tsconfig.json"]],
  ["types, simulator", "tsc", ["-p", "test/sim/tsconfig.json"]],
  ["types, tests in workerd", "tsc", ["-p", "test/workers/tsconfig.json"]],
  ["types, benchmarks", "tsc", ["-p", "bench/tsconfig.json"]],
  ["types, benchmarks in workerd", "tsc", ["-p", "bench/workers/tsconfig.json"]],
  ["imports", "node", ["scripts/check-imports.mjs"]],
  ["laws", "node", ["scripts/check-spec.mjs"]],
  ["deployment", "wrangler", ["deploy", "--dry-run"]],
  ["tests", "vitest", ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`]],
];

let passed = 0;
let failed = 0;
const failures = [];
for (const [name, command, args] of steps) {
  console.log(`\n── ${name} ${"─".repeat(Math.max(0, 60 - name.length))}`);
  const started = Date.now();
  const { status } = spawnSync(command, args, {
    stdio: "inherit",
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
  });
  console.log(`${status === 0 ? "✓" : "✗"} ${name}, ${((Date.now() - started) / 1000).toFixed(1)} s`);
  if (status !== 0) failures.push(name);
  if (name === "tests") addTests();
  else if (status === 0) passed += 1;
  else failed += 1;
}
if (failures.length > 0) console.log(`\nFailed: ${failures.join(", ")}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failures.length > 0 ? 1 : 0);

function addTests() {
  try {
    const results = JSON.parse(readFileSync(report, "utf8"));
    passed += results.numPassedTests;
    failed += results.numFailedTests;
    // A file that could not even be loaded has no failed test in it.
    if (results.numFailedTests === 0 && failures.includes("tests")) failed += 1;
  } catch {
    failed += 1;
  }
  rmSync(report, { force: true });
}
