import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, openPage } from "../support/browser.ts";
import { API_KEY, eventually, signToken, startCluster, type Cluster } from "../support/cluster.ts";
import { Console } from "../support/console.ts";

let cluster: Cluster;
let browser: Browser;
beforeAll(async () => {
  cluster = await startCluster({ cluster: { limits: { channelBytes: 1024 } } });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await cluster?.stop();
});

async function enter(): Promise<{ page: Page; seen: Console; problems: string[] }> {
  const { page, problems } = await openPage(browser);
  const seen = new Console(page);
  await seen.enter(cluster.url, API_KEY);
  return { page, seen, problems };
}

test("[OP15] a name that the SDK cannot subscribe to has the reason", async () => {
  const { page, seen, problems } = await enter();
  for (const channel of ["ringcast:live", "constructor"]) {
    await seen.open(`channels/${encodeURIComponent(channel)}`);
    await page.getByText(`${channel} cannot be watched here`).waitFor();
  }
  expect(problems).toEqual([]);
  await page.context().close();
});

test("[OP1] a reload while the cluster is away keeps the key", async () => {
  const { page } = await enter();
  await page.route("**/admin/api/**", (route) => route.fulfill({ status: 503, body: "away" }));
  await page.reload();
  await page.getByRole("alert").waitFor();
  await page.unroute("**/admin/api/**");
  await page.reload();
  await page.getByRole("heading", { name: "Shards" }).waitFor();
  expect(await page.getByRole("alert").count()).toBe(0);
  await page.context().close();
});

test("[OP9] names that are HTML or long change nothing, and make no page wider", async () => {
  const html = '<img src=x onerror="window.pwned=1">';
  const [user, long] = [`${html}${"M".repeat(200)}`, "W".repeat(900)];
  const client = cluster.client("evil", { token: await signToken({ sub: user }) });
  for (const channel of [long, html]) client.newSubscription(channel).subscribe();
  client.connect();
  await client.ready();
  const { page, seen } = await enter();
  for (const address of [
    `channels/${encodeURIComponent(html)}`,
    `channels/${long}`,
    `sessions/${encodeURIComponent(user)}`,
  ]) {
    await seen.open(address);
    await page.getByText(/1 client present|1 session/).waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
  }
  expect(await page.evaluate("window.pwned")).toBeUndefined();
  client.disconnect();
  await page.context().close();
});

test("[OP6] a change of many shards is looked at a few times, and not once for each", async () => {
  await cluster.admin("POST", "/shards", { count: 40 });
  const { page } = await enter();
  await page.waitForTimeout(3_000);
  let looks = 0;
  page.on("request", (request) => (looks += Number(request.url().endsWith("/admin/api/cluster"))));
  await cluster.admin("POST", "/shards", { count: 1 });
  await eventually(() => looks > 0);
  // Each of the 45 shards tells of its moves.
  await page.waitForTimeout(5_000);
  expect(looks).toBeLessThan(20);
  await page.context().close();
});
