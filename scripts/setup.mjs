// Makes `npm start`, `npm test` and `npm run demo` work on a fresh clone. Runs on the Node that is there (20 is
// enough); the installed `node` package is the one that everything after it runs on.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { buildConsole } from "./build-console.mjs";

const timeOf = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (timeOf("node_modules/.package-lock.json") < timeOf("package-lock.json")) {
  console.log("Installing what Ringcast needs (npm ci), once ...");
  const npm = process.env.npm_execpath;
  const [command, ...before] = npm === undefined ? ["npm"] : [process.execPath, npm];
  const { status } = spawnSync(command, [...before, "ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}

buildConsole();
