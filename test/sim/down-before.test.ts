import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("[EL40] release 0.2.0 reads a shard that is down as one without a slot, and its digest is ours", async () => {
  // Virtual time replaces the time of the whole process.
  const command = ["--disable-warning=ExperimentalWarning", "test/sim/down-before.ts"];
  const { stdout } = await promisify(execFile)(process.execPath, command);
  const [home, down] = JSON.parse(stdout) as unknown[];
  // The default region takes the region's client, and the shard that is down sends it there.
  expect(home).toEqual({ ringEpoch: 3, agrees: true, upgrade: 101 });
  expect(down).toEqual({ ringEpoch: 3, agrees: true, upgrade: 421 });
});
