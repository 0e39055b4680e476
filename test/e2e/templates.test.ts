import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv, promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import createManifest from "../../create/package.json" with { type: "json" };
import manifest from "../../package.json" with { type: "json" };
import { parseConfig } from "../../src/config/config.ts";
import { launchBrowser } from "../support/browser.ts";
import { linkModules, packed } from "../support/packed.ts";
import { chatInBrowser, npm, whileServed } from "../support/template.ts";
import { tier } from "../support/tier.ts";

const repository = join(import.meta.dirname, "../..");
const templates = join(repository, "templates");
const names = readdirSync(templates);
const directory = mkdtempSync(join(tmpdir(), "ringcast-templates-"));
afterAll(() => rmSync(directory, { recursive: true }));

const readJson = (path: string) => JSON.parse(readFileSync(path, "utf8"));
/** Runs a script in the folder of this test; answers with what it prints, also where it fails. */
const run = (script: string, ...args: string[]): Promise<{ stdout: string; stderr: string; code?: number }> =>
  promisify(execFile)(process.execPath, [script, ...args], { cwd: directory }).catch((error) => error);

const command = join(directory, "installed/dist/main.js");
beforeAll(async () => {
  mkdirSync(join(directory, "installed/node_modules"), { recursive: true });
  const { tarball } = await packed("create");
  await promisify(execFile)("tar", ["xzf", tarball, "-C", "installed", "--strip-components=1"], {
    cwd: directory,
  });
  symlinkSync(
    join(repository, "node_modules/commander"),
    join(directory, "installed/node_modules/commander"),
  );
});

describe("[PK22] the command that makes a project", () => {
  test.each(names)(
    "[PK22] it makes a project of the template %s with the name of the folder",
    async (name) => {
      const project = join(directory, `my-${name}`);
      const { stdout } = await run(command, `my-${name}`, "--template", name);
      expect(stdout).toMatch(new RegExp(`cd my-${name}\n +npm install\n +npm run dev`));
      expect(readJson(join(project, "package.json"))).toMatchObject({
        name: `my-${name}`,
        dependencies: { ringcast: manifest.version },
      });
      expect(unstable_readConfig({ config: join(project, "wrangler.jsonc") }).name).toBe(`my-${name}`);
      expect(readFileSync(join(project, ".gitignore"), "utf8")).toContain(".dev.vars");
      for (const file of readdirSync(project, { recursive: true, encoding: "utf8" })) {
        const path = join(project, file);
        if (statSync(path).isFile())
          expect(readFileSync(path, "utf8"), file).not.toMatch(/ringcast[-_](minimal|react)|OWNER\/.*button/);
      }
    },
  );

  test("[PK22] each project has new secrets, which a deployment would accept", async () => {
    await run(command, "one", "--yes");
    await run(command, "two", "--yes");
    const [one, two] = ["one", "two"].map((name) => {
      const path = join(directory, name, ".dev.vars");
      expect(statSync(path).mode & 0o077).toBe(0);
      return parseEnv(readFileSync(path, "utf8"));
    });
    expect(Object.keys(one ?? {})).toEqual(["API_KEY", "READ_KEY", "TOKEN_HMAC_SECRET"]);
    expect(new Set([...Object.values(one ?? {}), ...Object.values(two ?? {})]).size).toBe(6);
    expect(() => parseConfig({ ...one })).not.toThrow();
  });

  test("[PK22] a folder that is not empty stays as it is, and a wrong name or template is refused", async () => {
    mkdirSync(join(directory, "full"));
    writeFileSync(join(directory, "full/note"), "mine");
    expect(await run(command, "full")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("has note"),
    });
    expect(readdirSync(join(directory, "full"))).toEqual(["note"]);
    expect(await run(command, "My Chat")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("small letters"),
    });
    expect(await run(command, "x", "--template", "vue")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("minimal, react"),
    });
    expect(await run(command, "full/note/chat")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("ENOTDIR"),
    });
    for (const name of ["My Chat", "x"]) expect(existsSync(join(directory, name))).toBe(false);
    mkdirSync(join(directory, "repository/.git"), { recursive: true });
    expect((await run(command, "repository", "--yes")).code).toBeUndefined();
    expect((await run(command, "--help")).stdout).toContain("--template");
  });

  test("[PK22] the releases of the package, the command and the templates are one", () => {
    expect(createManifest.version).toBe(manifest.version);
    for (const name of names)
      expect(readJson(join(templates, name, "package.json")).dependencies.ringcast, name).toBe(
        manifest.version,
      );
  });
});

test.each(names)(
  "[PK23] the button of %s asks for each secret and deploys the template's folder",
  async (name) => {
    const root = join(directory, "copies");
    const copy = join(root, "templates", name);
    cpSync(templates, join(root, "templates"), { recursive: true });
    mkdirSync(join(root, "create"), { recursive: true });
    for (const file of ["package.json", "create/package.json"])
      cpSync(join(repository, file), join(root, file));
    const script = join(repository, "scripts/set-repository.mjs");
    expect(await run(script, "http://example.com", root)).toMatchObject({ code: 1 });
    await run(script, "https://github.com/acme/rings", root);
    expect(readFileSync(join(copy, "README.md"), "utf8")).toContain(
      `(https://deploy.workers.cloudflare.com/?url=https://github.com/acme/rings/tree/main/templates/${name})`,
    );
    expect(readJson(join(root, "create/package.json")).repository).toEqual({
      type: "git",
      url: "git+https://github.com/acme/rings.git",
      directory: "create",
    });
    const { required } = unstable_readConfig({ config: join(copy, "wrangler.jsonc") }).secrets ?? {};
    expect(Object.keys(parseEnv(readFileSync(join(copy, ".dev.vars.example"), "utf8")))).toEqual(required);
    const { cloudflare, scripts } = readJson(join(copy, "package.json"));
    expect(Object.keys(cloudflare.bindings)).toEqual(required);
    expect(scripts).toMatchObject({
      build: expect.any(String),
      deploy: expect.stringContaining("wrangler deploy"),
    });
  },
);

test("[PK21] the types of the template minimal are right", async () => {
  const project = join(directory, "linked");
  await run(command, "linked", "--template", "minimal");
  await linkModules(project);
  await expect(npm(project, "run", "check")).resolves.toContain("Types written");
});

test("[PK24] a Worker with one hook has less than 700 KiB before compression", async () => {
  const project = join(directory, "linked");
  await npm(project, "run", "deploy", "--", "--dry-run", "--outdir", "out");
  const kib = statSync(join(project, "out/index.js")).size / 1_024;
  console.log(`templates/minimal: ${kib.toFixed(0)} KiB`);
  expect(kib).toBeGreaterThan(100);
  expect(kib).toBeLessThan(700);
});

/** The projects install all their packages, so only the release tier takes the time. */
test.each(tier({ quick: [], release: names }))(
  "[PK21] the template %s is made, installed, checked, tested, opened in a browser and ready to be deployed",
  async (name) => {
    const project = join(directory, `a-${name}`);
    const create = `--package=${(await packed("create")).tarball}`;
    await npm(directory, "exec", "--yes", create, "--", "create-ringcast", `a-${name}`, "--template", name);
    const path = join(project, "package.json");
    const made = readJson(path);
    made.dependencies.ringcast = `file:${(await packed()).tarball}`;
    writeFileSync(path, JSON.stringify(made));
    await npm(project, "install", "--no-audit", "--no-fund");
    await npm(project, "run", "check");
    await npm(project, "test");
    const browser = await launchBrowser();
    try {
      await whileServed(project, name === "react" ? 8_951 : 8_950, async (url) => {
        expect(await chatInBrowser(browser, url)).toEqual([]);
      });
    } finally {
      await browser.close();
    }
    expect(await npm(project, "run", "deploy", "--", "--dry-run")).toContain("--dry-run: exiting now.");
  },
);
