// `npm pack`: the library with its types and the command into dist/lib, the schema of
// the settings into dist, and the operator's page into dist/console.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildConsole } from "./build-console.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
rmSync(join(root, "dist/lib"), { recursive: true, force: true });
// `npm pack` prints the name of the tarball on standard output, so tsc prints on standard error.
const entries = ["cli", "react", "testing"].map((entry) => `src/${entry}/tsconfig.build.json`);
for (const project of ["tsconfig.build.json", ...entries]) {
  const { status } = spawnSync("tsc", ["-p", project], { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(1);
}
// In TypeScript, so it needs the Node of the packages.
const { status } = spawnSync("node", ["scripts/docs/write-schema.ts"], {
  cwd: root,
  stdio: ["ignore", 2, 2],
});
if (status !== 0) process.exit(1);
buildConsole();
