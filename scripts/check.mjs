// `npm run check` finds problems without running the code. It runs two steps at a time.
import { pathToFileURL } from "node:url";
import { runSteps } from "./steps.mjs";

const CODE = ["create", "src", "test", "demo", "bench", "scripts", "docs", "vitest.config.ts"];

/**
 * Checks the types of a project. tsc checks only the files that have changed since the last run. It has one checker: two
 * steps run at a time, and several checkers of TypeScript 7 do not always agree on the declarations of two libraries.
 */
const types = (name, project) => ({
  name: `types, ${name}`,
  command: "tsc",
  args: [
    "-p",
    project,
    "--singleThreaded",
    "--incremental",
    "--tsBuildInfoFile",
    `node_modules/.cache/tsc/${name.replaceAll(" ", "-")}.tsbuildinfo`,
  ],
});

export const checks = [
  { name: "lint", command: "oxlint", args: ["--type-aware", "--deny-warnings", ...CODE] },
  { name: "format", command: "oxfmt", args: ["--check", ...CODE, "examples", "templates"] },
  types("the Worker", "tsconfig.json"),
  types("pure folders", "tsconfig.pure.json"),
  types("console", "src/console/tsconfig.json"),
  types("command line", "src/cli/tsconfig.json"),
  types("client", "src/client/tsconfig.json"),
  types("react", "src/react/tsconfig.json"),
  types("page with React", "test/support/page/tsconfig.json"),
  types("testing", "src/testing/tsconfig.json"),
  types("create", "create/tsconfig.json"),
  types("tests", "test/tsconfig.json"),
  types("simulator", "test/sim/tsconfig.json"),
  types("tests in workerd", "test/workers/tsconfig.json"),
  types("benchmarks", "bench/tsconfig.json"),
  types("benchmarks in workerd", "bench/workers/tsconfig.json"),
  types("documentation site", "docs/.vitepress/tsconfig.json"),
  types("the ways", "scripts/ways/tsconfig.json"),
  { name: "imports", command: "node", args: ["scripts/check-imports.mjs"] },
  { name: "ways", command: "npm", args: ["run", "--silent", "ways", "--", "--check"] },
  { name: "laws", command: "node", args: ["scripts/check-spec.mjs"] },
];

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await runSteps([checks]);
