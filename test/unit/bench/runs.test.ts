import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** The output of a program of `bench/`. The tests ask only that it runs: figures are for a quiet machine. */
async function run(...command: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, command)).stdout;
}

test("the benchmark runs, and prints a ratio for each row", async () => {
  const output = await run("bench/run.ts", "--case", "ring", "--quick");
  expect(output).toMatch(/Ringcast, 100 shards.*×\d/);
  expect(output).toMatch(/hashring, 100 shards.*×1\.00/);
}, 60_000);

test("the simulation reckons a cluster from the recorded figures, and what it costs", async () => {
  const output = await run("bench/simulate/run.ts", "--shards", "100", "--clients", "1000000");
  expect(output).toMatch(/depth of the tree.*2/);
  expect(output).toMatch(
    /Dollars a month, .* of 2\d{3}-\d\d, for 1,000,000 clients .* 100 shards.* 4 times a day/,
  );
  expect(output).not.toContain("NaN");
}, 60_000);

test("[FH7] the simulation refuses what is no number, by the name of the option", async () => {
  for (const [option, value] of [
    ["--shards", "abc"],
    ["--clients", "0"],
  ] as const) {
    const failed = await run("bench/simulate/run.ts", option, value).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(`^error: option '${option} <\\w+>' argument '${value}' is invalid`),
    });
  }
}, 60_000);
