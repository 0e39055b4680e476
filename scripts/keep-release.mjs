// Keeps a release for the simulator, where the next release must understand it (SPEC CT1). Run at each release, when
// it is out and before the first change of the next:
//
//   node scripts/keep-release.mjs
//
// The script bundles test/sim/release.ts, and what that file imports of src, into test/sim/releases/<version>.mjs.
// The packages in node_modules and `cloudflare:workers` stay imports. The script removes the bundle of the release
// before, as the simulator has one kept release.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = join(root, "test/sim/releases");
const git = (...args) => spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout.trim();

if (git("status", "--porcelain", "--", "src") !== "") {
  console.error("src has changes that are not committed; a release is kept as it was committed");
  process.exit(1);
}
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const commit = git("log", "-1", "--format=%h", "--abbrev=7", "--", "src");

const [{ output }] = await build({
  root,
  configFile: false,
  logLevel: "warn",
  publicDir: false,
  build: {
    write: false,
    target: "esnext",
    minify: false,
    lib: { entry: join(root, "test/sim/release.ts"), formats: ["es"], fileName: version },
    rolldownOptions: {
      external: (id) => !id.startsWith(".") && !isAbsolute(id),
      output: { comments: false },
    },
  },
});
const header = `// Release ${version} of Ringcast, as the simulator runs it beside the present code (test/sim/releases.ts).
// Made from src at ${commit} by scripts/keep-release.mjs. Not edited by hand.
`;
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) rmSync(join(folder, name));
writeFileSync(join(folder, `${version}.mjs`), header + output[0].code);
console.log(`test/sim/releases/${version}.mjs: ${commit}, ${Math.round(output[0].code.length / 1024)} kB`);
