// `npm test`: everything that must hold, with one example of each long thing. `npm run test:release`: all of each.
import { checks } from "./check.mjs";
import { runSteps, vitest } from "./steps.mjs";

const tier = process.argv.includes("--release") ? "release" : "quick";

await runSteps([
  checks,
  [{ name: "deployment", command: "wrangler", args: ["deploy", "--dry-run"] }],
  [vitest("tests", { env: { RINGCAST_TESTS: tier } })],
]);
