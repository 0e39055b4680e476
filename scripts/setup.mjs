// Makes `npm start`, `npm test` and `npm run demo` work on a fresh clone. This script runs on the Node of the machine
// (20 is enough). All later commands run on the installed `node` package.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { buildConsole } from "./build-console.mjs";

const timeOf = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (timeOf("node_modules/.package-lock.json") < timeOf("package-lock.json")) {
  console.log("Installing the packages that Ringcast needs (npm ci) ...");
  const npm = process.env.npm_execpath;
  const [command, ...before] = npm === undefined ? ["npm"] : [process.execPath, npm];
  const { status } = spawnSync(command, [...before, "ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}

buildConsole();
