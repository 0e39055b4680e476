import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { nodeProblem } from "../../../scripts/node-needed.mjs";
import { hold } from "../../../scripts/start-lock.mjs";

const root = join(import.meta.dirname, "../../..");

describe("[FH5] before anything is installed or started, one line says what is missing", () => {
  test.each([
    ["18.20.8", false, /^Ringcast needs Node 20 or later .*18\.20\.8/],
    ["18.20.8", true, /^Ringcast needs Node 20/],
    ["20.0.0", false, undefined],
    ["20.20.2", true, /ignore-scripts.*Node 22\.18 or later/],
    ["22.17.1", true, /ignore-scripts/],
    ["22.18.0", true, undefined],
    ["24.1.0", true, undefined],
  ])("Node %s, scripts ignored: %s", (version, ignoresScripts, said) => {
    const problem = nodeProblem(version, { ignoresScripts });
    if (said === undefined) expect(problem).toBeUndefined();
    else expect(problem).toMatch(said);
    expect(problem ?? "").not.toContain("\n");
  });

  test("the commands of a new user set themselves up, without a script before theirs", () => {
    for (const script of ["start.mjs", "test.mjs"]) {
      const env = { ...process.env, npm_config_ignore_scripts: "true" };
      // The version is all that a Node of another age would have in common with this one.
      const old = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.1.0'})";
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        ["--import", old, join("scripts", script)],
        { cwd: root, env, encoding: "utf8" },
      );
      expect({ status, stdout, stderr }).toEqual({
        status: 1,
        stdout: "",
        stderr: expect.stringMatching(/^Ringcast installs a Node of its own.*20\.1\.0\.\n$/),
      });
    }
  });

  test("a port that is none is named", () => {
    for (const PORT of ["abc", "65536"]) {
      const { status, stderr } = spawnSync(process.execPath, ["scripts/start.mjs"], {
        cwd: root,
        env: { ...process.env, PORT },
        encoding: "utf8",
      });
      expect([status, stderr]).toEqual([
        1,
        `PORT is "${PORT}"; it must be a whole number from 1 to 65535, as in PORT=8788 npm start.\n`,
      ]);
    }
  });
});

describe("[FH5] a second start in one folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "ringcast-start-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("hears of the first, and a first that was killed holds nothing", async () => {
    const path = join(folder, "start.sock");
    const module = join(root, "scripts/start-lock.mjs");
    const script = `import { hold } from ${JSON.stringify(module)};
      console.log(await hold(${JSON.stringify(path)}, "at x"));
      process.kill(process.pid, "SIGKILL");`;
    const killed = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      encoding: "utf8",
    });
    expect(killed).toMatchObject({ signal: "SIGKILL", stdout: "undefined\n" });
    expect(execFileSync("ls", [folder], { encoding: "utf8" })).toBe("start.sock\n");
    expect(await hold(path, "at http://localhost:8787, as process 7")).toBeUndefined();
    expect(await hold(path, "another")).toBe("at http://localhost:8787, as process 7");
  });
});

test("[FH6] without a browser its tests are skipped with one line, except in CI", () => {
  const script = `import { filesWithBrowser, prepareBrowser, skipsBrowser } from "./scripts/browser.mjs";
    prepareBrowser();
    if (!skipsBrowser() || !filesWithBrowser().includes("test/e2e/console.test.ts")) process.exit(9);`;
  const run = (CI: string) =>
    spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      cwd: root,
      env: { ...process.env, CHROMIUM: "none", CI },
      encoding: "utf8",
    });
  expect(run("")).toMatchObject({
    status: 0,
    stderr: "",
    stdout: expect.stringMatching(/^There is no Chromium: the \d+ test files of pages are skipped\. .*\n$/),
  });
  expect(run("true")).toMatchObject({
    status: 1,
    stdout: "",
    stderr: expect.stringMatching(/^The tests of pages need a browser: .*\n$/),
  });
});
