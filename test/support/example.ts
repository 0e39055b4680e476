import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestHarness } from "wrangler";
import { packed } from "./packed.ts";

const root = join(import.meta.dirname, "../..");
export const EXAMPLE_KEY = "an-api-key-to-try";

export type Example = {
  /** The directory of the application. */
  readonly app: string;
  readonly url: URL;
  /** The complaints of the compiler about a project of the application. */
  compile(project?: string): string;
  stop(): Promise<void>;
};

/** Starts an example, which gets only the package's tarball, like a project of another author. */
export async function startExample(name: string): Promise<Example> {
  const directory = mkdtempSync(join(tmpdir(), "ringcast-example-"));
  const app = join(directory, name);
  const { tarball } = await packed();
  cpSync(join(root, "examples", name), app, {
    recursive: true,
    filter: (path) => !/node_modules|\.wrangler|\.dev\.vars|public/.test(path.slice(root.length)),
  });
  const manifest = join(app, "package.json");
  const known = readFileSync(manifest, "utf8");
  writeFileSync(
    manifest,
    known.replace(/file:[^"]*/, () => `file:${tarball}`),
  );
  npm(app, "install", "--no-audit", "--no-fund");
  npm(app, "run", "build");
  const secrets = {
    API_KEY: EXAMPLE_KEY,
    READ_KEY: "a-read-key-to-try",
    TOKEN_HMAC_SECRET: "a-secret-of-32-bytes-or-more-of-it",
  };
  const server = createTestHarness({ root: app, workers: [{ configPath: "wrangler.toml", secrets }] });
  const { url } = await server.listen();
  return {
    app,
    url,
    compile: (project = app) =>
      spawnSync(join(app, "node_modules/.bin/tsc"), ["-p", project], { encoding: "utf8" }).stdout,
    async stop() {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const npm = (cwd: string, ...args: string[]): string =>
  execFileSync("npm", [...args, "--silent"], { cwd, encoding: "utf8" });
