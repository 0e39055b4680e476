import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { linkModules } from "../support/packed.ts";

const templates = join(import.meta.dirname, "../../templates");
const directory = mkdtempSync(join(tmpdir(), "ringcast-templates-"));
afterAll(() => rmSync(directory, { recursive: true }));

describe.each(readdirSync(templates))("[PK21] the template %s", (name) => {
  const project = join(directory, name);
  const npm = (...args: string[]) =>
    promisify(execFile)("npm", [...args, "--silent"], { cwd: project, encoding: "utf8" });

  test("[PK21] its types are right", async () => {
    cpSync(join(templates, name), project, { recursive: true });
    await linkModules(project);
    await expect(npm("run", "check")).resolves.toBeDefined();
  });
});
