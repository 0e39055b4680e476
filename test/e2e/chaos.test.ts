import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { tier } from "../support/tier.ts";

const { seconds, faults, kills, acknowledged } = tier({
  quick: { seconds: 15, faults: 27, kills: 1, acknowledged: 100 },
  release: { seconds: 120, faults: 160, kills: 4, acknowledged: 1_000 },
});

/** The short form of `npm run chaos`: a real server that is killed, objects that die and sleep, shards that come and go. */
test(
  "[LG1, DL1, DL2, DL5] nothing acknowledged is lost, repeated or reordered, whatever breaks",
  { timeout: (seconds + 300) * 1_000 },
  async () => {
    const sizes = { clients: 60, seconds, faults, kills };
    const options = Object.entries(sizes).flatMap(([name, size]) => [`--${name}`, String(size)]);
    const run = join(import.meta.dirname, "../chaos/run.ts");
    // Rejects, with what it has printed, where a law broke.
    const { stdout } = await promisify(execFile)("node", [run, ...options]);
    // It took place: many were acknowledged, and many a client had to resume.
    expect(Number(/publications acknowledged +│ (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(acknowledged);
    expect(Number(/resumes +│ (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(50);
  },
);
