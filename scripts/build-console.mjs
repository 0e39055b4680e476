// Builds the operator's page into dist/console, if anything that it is made of has changed since.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const stamp = join(root, "dist/console.built");
/** The page, and the pure folders that run in it. */
const SOURCES = ["src/console", "src/ring", "src/fanout", "src/contracts", "src/config", "package-lock.json"];

export function buildConsole() {
  const digest = digestOf(SOURCES);
  const built = existsSync(join(root, "dist/console/index.html")) && existsSync(stamp);
  if (built && readFileSync(stamp, "utf8") === digest) return;
  console.log("Building the operator's page ...");
  const { status } = spawnSync(
    "vite",
    ["build", "--config", "src/console/vite.config.ts", "--logLevel=warn"],
    {
      cwd: root,
      stdio: "inherit",
      // Vite and the Node that it needs are here, whoever calls.
      env: { ...process.env, PATH: [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter) },
    },
  );
  if (status !== 0) throw new Error("the operator's page could not be built");
  mkdirSync(join(root, "dist"), { recursive: true });
  writeFileSync(stamp, digest);
}

function digestOf(sources) {
  const hash = createHash("sha256");
  const add = (path) =>
    hash
      .update(path)
      .update("\0")
      .update(readFileSync(join(root, path)))
      .update("\0");
  for (const source of sources.filter((path) => existsSync(join(root, path)))) {
    if (/\.[a-z]+$/.test(source)) {
      add(source);
      continue;
    }
    const entries = readdirSync(join(root, source), { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    for (const file of files.map((path) => path.slice(root.length + 1)).toSorted()) add(file);
  }
  return hash.digest("hex");
}
