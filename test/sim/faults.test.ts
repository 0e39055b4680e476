import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Run } from "../faults/record.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ringcast-record-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs for so short a time that each process has one batch. */
async function faults(...more: string[]): Promise<Ended> {
  const args = ["--minutes", "0.001", "--only", "simulator", "--unclean", "--into", folder, ...more];
  const command = ["--disable-warning=ExperimentalWarning", "test/faults/run.ts", ...args];
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, command)) };
  } catch (error) {
    return error as Ended;
  }
}

const recorded = (): Run[] => {
  const files = readdirSync(join(folder, "docs/fault-report"));
  const lines = files.flatMap((name) =>
    readFileSync(join(folder, "docs/fault-report", name), "utf8")
      .trimEnd()
      .split("\n"),
  );
  return lines.map((line) => JSON.parse(line) as Run);
};
const report = () => join(folder, "docs/fault-report.md");

test("[FT1, FT2, FT4] a run keeps its record, the next goes on with new seeds, and a canary that lives leaves no report", async () => {
  const lived = await faults("--canary", "gap-pull", "--within", "1");
  expect(lived.stderr).toContain("No report is written: the canary lived: 1 histories");
  expect(lived.code).toBe(3);
  expect(existsSync(report())).toBe(false);
  const [first, ...others] = recorded();
  expect(others).toEqual([]);
  expect(first).toMatchObject({ part: "simulator", violations: [] });
  expect(first?.counts["deliveries"]).toBeGreaterThan(0);
  expect(Object.keys(first?.faults ?? {}).length).toBeGreaterThan(10);

  const found = await faults("--canary", "offset-check");
  expect(found).toMatchObject({ code: 0, stderr: "" });
  expect(readFileSync(report(), "utf8")).toMatch(/the slip `offset-check`.*found within 2,000 histories/su);
  const both = recorded().filter(({ options }) => options === first?.options);
  expect(both).toHaveLength(1);
  expect(both[0]?.seeds.from).toBe(first?.seeds.from);
  expect(both[0]?.seeds.count).toBe((first?.seeds.count ?? 0) * 2);
});
