import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { API_KEY, startCluster, type Cluster } from "../support/cluster.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
const KEPT = {
  history_size: 1_000,
  history_ttl: "5m",
  force_recovery: true,
  allow_subscribe_for_client: true,
};
const TRIAL = "verify --yes --clients 8 --channels 3 --seconds 1 --namespace";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({
    cluster: { shards: { initial: 2 } },
    namespaces: { kept: KEPT, cache: { ...KEPT, force_recovery_mode: "cache" } },
  });
});
afterAll(() => cluster?.stop());

function start(command: string) {
  const env = { ...process.env, NO_COLOR: "1", RINGCAST_URL: cluster.url.href, RINGCAST_API_KEY: API_KEY };
  const child = spawn(process.execPath, [MAIN, ...command.split(" ")], { env });
  let said = "";
  child.stderr.on("data", (data: Buffer) => (said += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, ended, said: () => said };
}

const shards = async (): Promise<string[]> =>
  (await cluster.admin("GET", "/cluster")).body.shards.map(({ id }: { id: string }) => id);

type Child = ReturnType<typeof start>["child"];
const readerGoes = ({ stdout, stderr }: Child): void => void [stdout.destroy(), stderr.destroy()];
const terminalGoes = (child: Child): void => void child.kill("SIGHUP");

test.each([
  ["reader", readerGoes],
  ["terminal", terminalGoes],
] as const)("[CL1] a trial whose %s has gone gives its shard back", async (_, go) => {
  const before = await shards();
  const { child, ended } = start(`${TRIAL} kept`);
  await expect.poll(shards, { timeout: 60_000 }).toHaveLength(before.length + 1);
  go(child);
  await ended;
  expect(await shards()).toEqual(before);
});

test("[CL1] a tail whose reader has gone ends", async () => {
  const tail = start("subscribe kept:tail");
  await expect.poll(tail.said, { timeout: 30_000 }).toContain("listening");
  tail.child.stdout.destroy();
  await start("publish kept:tail 1").ended;
  expect(await tail.ended).toBe(0);
});

test("[CL1] a namespace in cache mode has no faults, and no trial", async () => {
  const trial = start(`${TRIAL} cache`);
  expect(await trial.ended).toBe(2);
  expect(trial.said()).toContain('RINGCAST_NS_cache.force_recovery_mode is "cache"');
});

test("[CL1] a load that is refused says so at once", async () => {
  const load = start("load --clients 2 --namespace nothere");
  expect(await load.ended).toBe(2);
  expect(load.said()).toContain("unknown channel");
});
