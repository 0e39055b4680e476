import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, openPage, seriousFindings } from "../support/browser.ts";
import { API_KEY, eventually, startCluster, type Cluster } from "../support/cluster.ts";
import { Console } from "../support/console.ts";

let cluster: Cluster;
let browser: Browser;

beforeAll(async () => {
  // Thirty-five clients are more than three quarters of what the only shard takes.
  cluster = await startCluster({
    cluster: {
      shards: { initial: 1 },
      limits: { sessionsPerShard: 40 },
      times: { healthReportMs: 1_000, pingIntervalMs: 1_000, pongTimeoutMs: 60_000 },
      scale: { mode: "suggest" },
    },
  });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await cluster?.stop();
});

test("[EL74] the panel of scaling shows what the policy would do, and opens the dry run of it", async () => {
  const { page } = await openPage(browser);
  const seen = new Console(page);
  await seen.enter(cluster.url, API_KEY);
  await seen.startClients(35);
  await seen.open("changes");
  const panel = page.getByRole("region", { name: "Scaling" });
  await panel.getByText(/Would add shards: .* of sockets on auto-1, mark 75 %/u).waitFor({ timeout: 60_000 });
  await panel.getByRole("button", { name: "Dry run …" }).click();
  await eventually(async () => (await seen.predicted()) > 0);
  const { shards } = (await cluster.admin("GET", "/cluster")).body;
  expect(shards.map(({ id }: any) => id)).toEqual(["auto-1"]);
  await seen.confirm(/^Add 1 shard$/u);
  await seen.connected(35);
  expect((await cluster.admin("GET", "/scale")).body.shards).toMatchObject([
    { id: "auto-1", owner: "operator" },
    { id: "auto-2", owner: "operator" },
  ]);
  expect(await seriousFindings(page)).toEqual([]);
});
