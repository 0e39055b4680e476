// `npm pack`: the command into dist/, and the templates into templates/.
import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

for (const folder of ["dist", "templates"]) rmSync(folder, { recursive: true, force: true });
// `npm pack` prints the name of the tarball on standard output, so tsc prints on standard error.
execFileSync("tsc", ["-p", "tsconfig.build.json"], { stdio: ["ignore", 2, 2], shell: true });
const OTHER =
  /[\\/](node_modules|\.wrangler|\.dev\.vars|dist|realtime|page\.js|worker-configuration\.d\.ts)$/;
cpSync("../templates", "templates", { recursive: true, filter: (path) => !OTHER.test(path) });
// npm leaves each .gitignore out of a package, and the files that it names.
for (const name of readdirSync("templates"))
  renameSync(join("templates", name, ".gitignore"), join("templates", name, "gitignore"));
cpSync("../LICENSE", "LICENSE");
