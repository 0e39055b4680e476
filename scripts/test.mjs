// `npm test` runs all checks and tests, with small sizes for long tests. `npm run test:release` has the full sizes.
import "./setup.mjs";
import { prepareBrowser } from "./browser.mjs";
import { checks } from "./check.mjs";
import { runSteps, vitest } from "./steps.mjs";

const tier = process.argv.includes("--release") ? "release" : "quick";

prepareBrowser();
await runSteps([checks, [vitest("tests", { env: { RINGCAST_TESTS: tier } })]]);
