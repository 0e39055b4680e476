import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

type Day = {
  readonly alarms: Readonly<Record<string, number>>;
  readonly calls: readonly string[];
  readonly rows: Readonly<Record<string, number>>;
};

test("[BD52] an idle day costs one alarm for each shard with sockets and ping period, and no call", async () => {
  // Virtual time replaces the time of the whole process.
  const command = ["--disable-warning=ExperimentalWarning", "test/sim/idle-day.ts"];
  const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 2 ** 28 });
  const { shards, periods, closed, idle, empty } = JSON.parse(stdout) as {
    readonly shards: readonly string[];
    readonly periods: number;
    readonly closed: number;
    readonly idle: Day;
    readonly empty: Day;
  };
  expect([shards.length, closed]).toEqual([3, 0]);
  // The one publication that is kept runs out within the day.
  const alarms = Object.fromEntries([...shards.map((name) => [name, periods]), ["CHANNEL kept:0", 1]]);
  // A shard writes its next appointment, and nothing at a wake; the channel removes the publication.
  const rows = { ...alarms, "CHANNEL kept:0": 3 };
  expect(idle).toEqual({ alarms, calls: [], rows });
  expect(empty).toEqual({ alarms: {}, calls: [], rows: {} });
});
