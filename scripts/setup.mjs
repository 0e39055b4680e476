// Makes `npm start`, `npm test` and `npm run demo` work on a fresh clone. This script runs on the Node of the machine
// (20 is enough). All later commands run on the installed `node` package.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { buildConsole } from "./build-console.mjs";
import { isInstalled } from "./installed.mjs";

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
