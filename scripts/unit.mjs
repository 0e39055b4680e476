// `npm run unit` runs only the tests of pure code.
import { runSteps, vitest } from "./steps.mjs";

await runSteps([[vitest("unit tests", { projects: ["unit"] })]]);
