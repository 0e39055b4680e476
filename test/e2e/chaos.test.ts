import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { tier } from "../support/tier.ts";

/** `sockets`: Socket.IO clients that are recovered. */
const { seconds, faults, kills, sockets, acknowledged } = tier({
  quick: { seconds: 12, faults: 24, kills: 1, sockets: 10, acknowledged: 60 },
  release: { seconds: 300, faults: 400, kills: 10, sockets: 15, acknowledged: 2_000 },
});

type Printed = { readonly stdout: string; readonly stderr: string };

/**
 * The short form of `npm run chaos`: the server is killed, objects die and sleep, shards join and leave, and strangers
 * reset their connections, flood them, read nothing and answer no close.
 */
test(
  "[LG1, DL1, DL2, DL5, BD75, SO47] no acknowledged publication is lost, repeated or reordered while parts of the cluster break and strangers flood it",
  { timeout: (seconds + 300) * 1_000 },
  async () => {
    const sizes = { clients: 60, seconds, faults, kills, sockets };
    const options = Object.entries(sizes).flatMap(([name, size]) => [`--${name}`, String(size)]);
    const run = join(import.meta.dirname, "../chaos/run.ts");
    const { stdout } = await promisify(execFile)("node", [run, ...options]).catch((error: Printed) => {
      throw new Error(`a law broke, or the run did:\n${error.stdout}\n${error.stderr}`);
    });
    // The run had traffic: many publications were acknowledged, and many clients resumed.
    expect(Number(/publications acknowledged +│ (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(acknowledged);
    // A quiet client went on getting answers from its shard.
    expect(Number(/answers to the witness +│ (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(20);
    expect(Number(/Socket.IO sessions recovered +│ (\d+)/.exec(stdout)?.[1])).toBeGreaterThanOrEqual(sockets);
    expect(Number(/resumes +│ (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(50);
  },
);
