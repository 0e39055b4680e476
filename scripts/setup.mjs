// Makes `npm start`, `npm test` and `npm run demo` work on a fresh clone. This script runs on the Node of the machine
// (20 is enough). All later commands run on the installed `node` package. It is imported, and no script before another
// one, where a new user begins: npm leaves the latter out if it is told to ignore scripts.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { buildConsole } from "./build-console.mjs";
import { isInstalled } from "./installed.mjs";
import { nodeProblem } from "./node-needed.mjs";

// Before anything is installed: afterwards the error would come from a package, and name none of this.
const problem = nodeProblem(process.versions.node, {
  ignoresScripts: process.env.npm_config_ignore_scripts === "true",
});
if (problem !== undefined) {
  console.error(problem);
  process.exit(1);
}

const read = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined);

// By content: a checkout makes the lock file newer and changes no package, and `npm pack` may run while tests do.
if (!isInstalled(read("package-lock.json"), read("node_modules/.package-lock.json"))) {
  console.log("Installing the packages that Ringcast needs (npm ci) ...");
  const npm = process.env.npm_execpath;
  const [command, ...before] = npm === undefined ? ["npm"] : [process.execPath, npm];
  const { status } = spawnSync(command, [...before, "ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}

buildConsole();
