// `npm run unit`: the tests of pure code alone.
import { runSteps, vitest } from "./steps.mjs";

await runSteps([[vitest("unit tests", { projects: ["unit"] })]]);
