import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

/** The short form of `npm run chaos`: a real server that is killed, objects that die and sleep, shards that come and go. */
test(
  "[LG1, DL1, DL2, DL5] nothing acknowledged is lost, repeated or reordered, whatever breaks",
  { timeout: 240_000 },
  () => {
    const { status, stdout, stderr } = spawnSync(
      "node",
      [
        join(import.meta.dirname, "../chaos/run.ts"),
        "--clients",
        "60",
        "--seconds",
        "45",
        "--faults",
        "60",
        "--kills",
        "2",
      ],
      { encoding: "utf8", timeout: 220_000 },
    );
    console.log(stdout);
    expect(status, stderr).toBe(0);
    // It took place: hundreds were acknowledged, and many a client had to resume.
    expect(Number(/publications acknowledged +│ (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(300);
    expect(Number(/resumes +│ (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(50);
  },
);
