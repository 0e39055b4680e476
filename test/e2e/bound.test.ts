import { afterAll, describe, expect, test } from "vitest";
import { eventually, startCluster, type Cluster } from "../support/cluster.ts";
import { RawClient } from "../support/raw-client.ts";

/** Shards report each second, and hand connections on above 20 sessions. */
const SETTINGS = {
  times: { healthReportMs: 1_000, pingIntervalMs: 1_000, pongTimeoutMs: 60_000, staleConnectionMs: 120_000 },
  scale: { mode: "off", boundFloor: 20 },
} as const;
const BATCH = 30;

const clusters: Cluster[] = [];
afterAll(() => Promise.all(clusters.map((cluster) => cluster.stop())));

/** A cluster for one test. */
async function start(settings: Parameters<typeof startCluster>[0]): Promise<Cluster> {
  const cluster = await startCluster(settings);
  clusters.push(cluster);
  return cluster;
}

const sessionsByShard = async (cluster: Cluster): Promise<Map<string, number>> =>
  new Map(
    (await cluster.admin("GET", "/cluster")).body.shards.map(({ id, sessions }: any) => [id, sessions]),
  );

/** The sessions that the shards have reported. */
const reported = async (cluster: Cluster): Promise<number> => {
  const { shards } = (await cluster.admin("GET", "/scale")).body;
  const counts = shards.flatMap(({ load }: any) => Object.values(load?.clients ?? {})) as number[];
  return counts.reduce((sum, count) => sum + count, 0);
};

/** Opens connections in batches, and waits after each until the shards have reported them. */
async function arrive(cluster: Cluster, total: number, open: () => Promise<unknown>): Promise<void> {
  for (let arrived = 0; arrived < total; arrived += BATCH) {
    const before = await reported(cluster);
    await Promise.all(Array.from({ length: BATCH }, open));
    await eventually(async () => (await reported(cluster)) >= before + BATCH);
  }
}

// Each waits for reports of its own cluster.
describe.concurrent("[EL30] new connections go past a shard that has much more than the mean", () => {
  test("300 connections under one key spread over its three owners, and none is refused", async () => {
    const cluster = await start({ cluster: SETTINGS });
    const { owner, nextOwners } = (await cluster.admin("GET", "/explain?key=popular")).body;
    await arrive(cluster, 300, () => RawClient.open(cluster.endpoint("popular")));
    const sessions = await sessionsByShard(cluster);
    const owners = [owner, ...nextOwners].map((id) => sessions.get(id) ?? 0);
    expect(owners.reduce((sum, count) => sum + count, 0)).toBe(300);
    // The first takes what is above the bound of all three, which follows the mean as fast as the shards report: some
    // 130, 85 and 85 where each batch takes a second.
    for (const count of owners) expect(count).toBeGreaterThanOrEqual(20);
    // The sessions that are not with the first owner are guests (SPEC EL66).
    const { shards: rows } = (await cluster.admin("GET", "/cluster")).body;
    for (const { id, sessions: here, guests } of rows) expect(guests).toBe(id === owner ? 0 : here);
    // The bound is no lack of room.
    const { shards } = (await cluster.admin("GET", "/scale")).body;
    expect(shards.map(({ load }: any) => load?.refused ?? 0)).toEqual([0, 0, 0, 0]);
  });

  test("where the address is the key, connections of one address spread over all shards", async () => {
    const cluster = await start({
      cluster: { ...SETTINGS, shards: { initial: 6 }, affinity: { order: ["ip"] } },
    });
    const headers = { "cf-connecting-ip": "203.0.113.7" };
    await arrive(cluster, 300, () => RawClient.open(cluster.endpoint(), { headers }));
    const sessions = [...(await sessionsByShard(cluster)).values()];
    expect(sessions.reduce((sum, count) => sum + count, 0)).toBe(300);
    expect(sessions.filter((count) => count > 0)).toHaveLength(6);
  });

  test("above the bound of all owners a connection is refused only for lack of room", async () => {
    const cluster = await start({
      cluster: { ...SETTINGS, limits: { sessionsPerShard: 30 }, shards: { initial: 3 } },
    });
    await arrive(cluster, 90, () => RawClient.open(cluster.endpoint("popular")));
    expect([...(await sessionsByShard(cluster)).values()]).toEqual([30, 30, 30]);
    await expect(RawClient.open(cluster.endpoint("popular"))).rejects.toThrow("503");
  });
});
