import { afterEach, describe, expect, test } from "vitest";
import type { ScaleReport } from "../../src/contracts/scale.ts";
import { API_KEY, eventually, startCluster, type Cluster } from "../support/cluster.ts";

let cluster: Cluster;
afterEach(() => cluster?.stop());

/** Minutes become seconds, and a shard takes 40 sessions. */
const QUICK = {
  shards: { initial: 1, max: 12 },
  limits: { sessionsPerShard: 40 },
  times: { healthReportMs: 1_000, pingIntervalMs: 1_000, pongTimeoutMs: 60_000 },
  scale: { mode: "on", lowForMs: 2_000, settleMs: 3_000, youngMs: 1_000, lastMovesMs: 2_000 },
} as const;

/** Whether the server API has taken a publication. */
async function publish(data: number): Promise<boolean> {
  const response = await fetch(new URL("/api/publish", cluster.url), {
    method: "POST",
    headers: { "x-api-key": API_KEY, "content-type": "application/json" },
    body: JSON.stringify({ channel: "kept:news", data }),
  });
  return response.ok && "result" in ((await response.json()) as object);
}

const scaleOf = async (): Promise<ScaleReport> => (await cluster.admin("GET", "/scale")).body;
const activeShards = async (): Promise<number> =>
  (await cluster.admin("GET", "/cluster")).body.shards.filter((shard: any) => shard.state === "active")
    .length;

/** Stock clients on one durable channel, each with what it has heard. */
function crowd(size: number) {
  return Array.from({ length: size }, (_, n) => {
    const client = cluster.client(`crowd-${n}`, { minReconnectDelay: 50, maxReconnectDelay: 500 });
    const heard: number[] = [];
    const subscription = client.newSubscription("kept:news");
    subscription.on("publication", ({ data }) => heard.push(data as number));
    subscription.subscribe();
    return { client, heard, connect: () => client.connect(), leave: () => client.disconnect() };
  });
}

describe("[EL1, EL2, EL3, EL9, EL10] a cluster grows and shrinks by itself", () => {
  test("clients that arrive find room, hear each publication once, and the cluster is small again after them", async () => {
    cluster = await startCluster({
      cluster: QUICK,
      namespaces: { kept: { history_size: 1_000, history_ttl: "1h", force_recovery: true } },
    });
    const clients = crowd(150);
    const published: number[] = [];
    const stream = new AbortController();
    const publishing = (async () => {
      for (let n = 1; !stream.signal.aborted; n++) {
        if (await publish(n)) published.push(n);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    for (const { connect } of clients) connect();
    await eventually(() => clients.every(({ client }) => client.state === "connected"), 300_000);
    const grown = await eventually(async () => {
      const { shards } = await scaleOf();
      return (
        shards.length >= 4 && shards.every(({ weight, fullWeight }) => weight === fullWeight) && shards.length
      );
    }, 300_000);
    // A client that comes after the last publication has nothing to hear.
    await eventually(() => clients.every(({ heard }) => heard.length > 0));
    stream.abort();
    await publishing;
    const last = published.at(-1) ?? 0;
    await eventually(() => clients.every(({ heard }) => heard.at(-1) === last), 300_000);
    for (const { heard } of clients) {
      // From its first publication on a client hears all of them, in order and once.
      expect(heard).toEqual(published.filter((n) => n >= (heard[0] ?? 0)));
    }
    const { epochs } = (await cluster.admin("GET", "/epochs?limit=100")).body;
    expect(epochs.some(({ cause, by }: any) => by === "autoscale" && cause.startsWith("autoscale: "))).toBe(
      true,
    );

    for (const { leave } of clients) leave();
    await eventually(async () => (await activeShards()) === 1, 300_000);
    const { decisions, looksAgainAt } = await scaleOf();
    const turns = decisions
      .map(({ kind }) => kind)
      .filter((kind) => kind === "add" || kind === "drain")
      .filter((kind, n, kinds) => n > 0 && kind !== kinds[n - 1]);
    expect(turns).toHaveLength(1);
    expect(grown).toBeLessThanOrEqual(QUICK.shards.max);
    // At the minimum nothing waits (SPEC EL10).
    expect(looksAgainAt).toBeNull();
  });
});

describe("[EL1] a flood that does not stop", () => {
  test("the ring grows to its bound and no further, and says so", async () => {
    cluster = await startCluster({ cluster: { ...QUICK, shards: { initial: 1, max: 2 } } });
    const clients = crowd(120);
    for (const { connect } of clients) connect();
    const { last } = await eventually(async () => {
      const report = await scaleOf();
      return report.last?.reason.endsWith("shards.max is 2") === true ? report : undefined;
    }, 300_000);
    // On a slow machine the clients still arrive, and those that were refused are the reason.
    expect(last).toMatchObject({
      kind: "hold",
      reason: expect.stringMatching(/^\d+ (% of sockets on auto-\d|connections refused in auto)/),
    });
    await eventually(
      () => clients.filter(({ client }) => client.state === "connected").length === 80,
      300_000,
    );
    const { decisions, shards } = await scaleOf();
    expect(shards).toHaveLength(2);
    expect(decisions.filter(({ kind, done }) => kind === "add" && done)).toHaveLength(1);
  });
});

describe("[EL9] the mode is the operator's", () => {
  test("in the mode `suggest` nothing changes, and the decision is shown with its reason", async () => {
    cluster = await startCluster({ cluster: { ...QUICK, scale: { ...QUICK.scale, mode: "suggest" } } });
    for (const { connect } of crowd(35)) connect();
    const last = await eventually(async () => {
      const report = await scaleOf();
      return report.last?.kind === "add" ? report.last : undefined;
    });
    expect(last).toMatchObject({
      done: false,
      reason: expect.stringMatching(/^\d+ % of sockets on auto-1, mark 75 %$/),
      // SPEC EL74
      change: { kind: "add", count: 1, region: "auto" },
    });
    expect(await activeShards()).toBe(1);
    expect((await cluster.admin("PATCH", "/scale", { mode: "on" })).status).toBe(409);
  });

  test("without a configured mode an operator chooses it, and a shard that an operator has weighed stays", async () => {
    cluster = await startCluster({
      cluster: { ...QUICK, scale: { lowForMs: 1_000, settleMs: 1_000, youngMs: 0 } },
    });
    expect((await scaleOf()).mode).toBe("on");
    expect((await cluster.admin("PATCH", "/scale", { mode: "off" })).body.mode).toBe("off");
    expect((await cluster.admin("PATCH", "/scale", { mode: "sometimes" })).status).toBe(400);
    await cluster.admin("POST", "/shards", { count: 1 });
    expect((await scaleOf()).shards.map(({ owner }) => owner)).toEqual(["operator", "operator"]);
    // The policy brings back no shard that an operator has drained.
    await cluster.admin("PATCH", "/scale", { mode: "on" });
    await cluster.admin("DELETE", "/shards/auto-1");
    expect(await scaleOf()).toMatchObject({ min: 1, shards: [{ id: "auto-2", owner: "operator" }] });
  });
});
