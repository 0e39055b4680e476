import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { tier } from "../support/tier.ts";

const { seconds, faults, kills, acknowledged } = tier({
  quick: { seconds: 15, faults: 27, kills: 1, acknowledged: 100 },
  release: { seconds: 300, faults: 400, kills: 10, acknowledged: 2_000 },
});

type Printed = { readonly stdout: string; readonly stderr: string };

/** The short form of `npm run chaos`: a real server that is killed, objects that die and sleep, shards that come and go. */
test(
  "[LG1, DL1, DL2, DL5] nothing acknowledged is lost, repeated or reordered, whatever breaks",
  { timeout: (seconds + 300) * 1_000 },
  async () => {
    const sizes = { clients: 60, seconds, faults, kills };
    const options = Object.entries(sizes).flatMap(([name, size]) => [`--${name}`, String(size)]);
    const run = join(import.meta.dirname, "../chaos/run.ts");
    const { stdout } = await promisify(execFile)("node", [run, ...options]).catch((error: Printed) => {
      throw new Error(`a law broke, or the run did:\n${error.stdout}\n${error.stderr}`);
    });
    // It took place: many were acknowledged, and many a client had to resume.
    expect(Number(/publications acknowledged +│ (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(acknowledged);
    expect(Number(/resumes +│ (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(50);
  },
);
