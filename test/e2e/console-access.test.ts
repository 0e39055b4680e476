import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, openPage, seriousFindings } from "../support/browser.ts";
import { API_KEY, eventually, READ_KEY, signToken, startCluster, type Cluster } from "../support/cluster.ts";
import { Console } from "../support/console.ts";

const PAGE_NAMES = [
  "overview",
  "shards",
  "channels",
  "sessions",
  "changes",
  "health",
  "cost",
  "configuration",
];

let cluster: Cluster;
let browser: Browser;

beforeAll(async () => {
  // Nobody takes what the webhook is to be told.
  const webhook = { url: "http://127.0.0.1:1/", events: ["published", "shards"] };
  cluster = await startCluster({
    cluster: { insecure: false, anonymous: false, webhook },
    namespaces: {
      kept: {
        history_size: 10,
        history_ttl: "1h",
        allow_subscribe_for_client: true,
        allow_publish_for_client: true,
      },
    },
  });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await cluster?.stop();
});

describe("[OP4] the console opens to a key", () => {
  test("a visitor without a key sees only the sign-in", async () => {
    const { page, problems } = await openPage(browser);
    await page.goto(cluster.url.href);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    expect(await page.getByRole("heading").allInnerTexts()).toEqual(["Ringcast"]);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("the console refuses a wrong key with a sentence, and keeps a right key for this tab", async () => {
    const { page } = await openPage(browser);
    await page.goto(cluster.url.href);
    await page.getByLabel("API key").fill("not-the-key");
    await page.getByRole("button", { name: "Sign in" }).click();
    expect(await page.getByRole("alert").innerText()).toContain("This key is not valid here");
    await page.getByLabel("API key").fill(API_KEY);
    await page.getByRole("button", { name: "Sign in" }).click();
    const seen = new Console(page);
    await seen.live();
    await page.reload();
    await seen.live();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.reload();
    await page.getByLabel("API key").waitFor();
    await page.context().close();
  });

  test("the console removes a key in a link from the address, and requests no address with the key", async () => {
    const { page, problems, foreign } = await openPage(browser);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("websocket", (socket) => asked.push(socket.url()));
    await new Console(page).enter(cluster.url, API_KEY);
    expect(page.url()).toBe(cluster.url.href);
    expect(asked.filter((url) => !url.includes("#") && url.includes(API_KEY))).toEqual([]);
    expect(asked.some((url) => url.startsWith("ws:"))).toBe(true);
    expect([foreign, problems]).toEqual([[], []]);
    await page.context().close();
  });

  test("only the page's own files run as scripts or apply as styles", async () => {
    const { page } = await openPage(browser);
    const response = await page.goto(cluster.url.href);
    const policy = response?.headers()["content-security-policy"] ?? "";
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toContain("unsafe");
    await page.evaluate(`
      const script = document.createElement("script");
      script.textContent = "globalThis.ranInline = true";
      document.body.append(script);
      const style = document.createElement("style");
      style.textContent = "body { outline: 7px solid red }";
      document.head.append(style);
    `);
    expect(await page.evaluate("globalThis.ranInline")).toBeUndefined();
    expect(await page.evaluate("getComputedStyle(document.body).outlineWidth")).not.toBe("7px");
    await page.context().close();
  });
});

test("[OP3] the console marks stale data until the feed is back", async () => {
  const { page } = await openPage(browser);
  let deaf = false;
  await page.routeWebSocket(/connection/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      if (!deaf) socket.send(message);
    });
  });
  const seen = new Console(page);
  await seen.enter(cluster.url, API_KEY);
  const row = page.locator("tr[data-shard]").first();
  deaf = true;
  await page.getByText(/^no pulse for \d+ s$/).waitFor();
  await page.locator("tr.stale").first().waitFor();
  expect(await page.getByTestId("summary").getAttribute("class")).toContain("dim");
  deaf = false;
  await seen.live();
  await eventually(async () => (await row.getAttribute("class"))?.includes("stale") === false);
  await page.context().close();
});

test("[OP22] [OP26] the console shows what waits for the webhook at channels and at the coordinator", async () => {
  const { page, problems } = await openPage(browser);
  const seen = new Console(page);
  await seen.enter(cluster.url, API_KEY);
  await seen.open("health");
  await page.getByText("The coordinator and the channels with clients (0) were asked").waitFor();
  await page.getByText("No event waits for a hook or the webhook.").waitFor();
  const client = cluster.client("ann", { token: await signToken({ sub: "ann" }) });
  const subscription = client.newSubscription("kept:waiting");
  const subscribed = new Promise((done) => subscription.once("subscribed", done).once("unsubscribed", done));
  subscription.subscribe();
  client.connect();
  await subscribed;
  for (let n = 0; n < 3; n++) await subscription.publish(n);
  await cluster.admin("PATCH", "/shards/auto-1", { weight: 17 });
  await page.getByRole("button", { name: "Ask again" }).click();
  const row = page.locator('[data-queue="kept:waiting"]');
  await row.getByRole("link", { name: "kept:waiting" }).waitFor();
  expect(await row.getByRole("cell").first().innerText()).toBe("3");
  expect(await row.getByRole("cell").nth(1).innerText()).toMatch(/^\d+ s$/u);
  expect(await page.locator('[data-queue="coordinator"]').getByRole("cell").first().innerText()).toBe("1");
  const { body } = await cluster.admin("GET", "/events?channel=kept:waiting");
  expect(body).toMatchObject({ asked: 1, channels: [{ channel: "kept:waiting", waiting: 3, dropped: 0 }] });
  expect(await seriousFindings(page)).toEqual([]);
  expect(problems).toEqual([]);
  client.disconnect();
  await page.context().close();
});

test("[OP26] no more channels are asked than the limit says, and the broadcast channel is the coordinator's", async () => {
  const client = cluster.client("bea", { token: await signToken({ sub: "bea" }) });
  const names = ["kept:one", "kept:two"];
  for (const name of names) client.newSubscription(name).subscribe();
  client.connect();
  await eventually(async () => (await cluster.admin("GET", "/events")).body.asked >= names.length);
  const { body: one } = await cluster.admin("GET", "/events?limit=1");
  expect(one).toMatchObject({ asked: 1, truncated: true, silentShards: [], unreachable: [] });
  const { body: all } = await cluster.admin("GET", "/events");
  expect(all).toMatchObject({ truncated: false });
  await cluster.admin("PATCH", "/shards/auto-2", { weight: 18 });
  const { body: broadcast } = await cluster.admin("GET", "/events?channel=ringcast:broadcast");
  expect(broadcast.coordinator.waiting).toBeGreaterThan(0);
  expect(broadcast).toMatchObject({ asked: 0, channels: [], truncated: false });
  expect(await cluster.admin("GET", "/events?channel=%0A")).toMatchObject({ status: 400 });
  expect(await cluster.admin("GET", "/events?limit=501")).toMatchObject({ status: 400 });
  client.disconnect();
});

test("[OP17] [OP18] shards are searched, filtered and sorted by an address, and the back button works", async () => {
  const { page } = await openPage(browser);
  const seen = new Console(page);
  await seen.enter(cluster.url, API_KEY);
  await page.getByRole("link", { name: "Shards", exact: true }).click();
  const ids = () =>
    page.locator("tr[data-shard]").evaluateAll((rows) => rows.map((row: any) => row.dataset.shard));
  const all = ["auto-1", "auto-2", "auto-3", "auto-4"];
  await eventually(async () => String(await ids()) === String(all));
  // [OP16] No shard has been told an epoch yet.
  expect(await page.locator("td.behind").count()).toBe(0);
  await page.getByRole("button", { name: "Shard", exact: true }).click();
  await eventually(async () => String(await ids()) === String(all.toReversed()));
  expect(await page.locator("th.c-id[aria-sort]").getAttribute("aria-sort")).toBe("descending");
  await page.getByLabel("Find a shard").fill("AUTO-3");
  await page.getByText("1 of 4 shards").waitFor();
  await eventually(() => page.url().endsWith("#/shards?sort=id&order=down&find=AUTO-3"));
  await page.getByRole("link", { name: "Cost", exact: true }).click();
  await page.getByRole("heading", { name: "Cost" }).waitFor();
  await page.goBack();
  await page.getByText("1 of 4 shards").waitFor();
  await page.reload();
  await page.getByText("1 of 4 shards").waitFor();
  expect(await ids()).toEqual(["auto-3"]);
  await page.getByLabel("State").selectOption("down");
  await page.getByText("No shard is like this.").waitFor();
  await page.context().close();
});

test("[OP8] with the reading key the console shows everything, and permits no change", async () => {
  const { page, problems } = await openPage(browser);
  const seen = new Console(page);
  await seen.enter(cluster.url, READ_KEY);
  const add = page.getByRole("button", { name: "Add shards …" });
  expect(await add.isDisabled()).toBe(true);
  expect(await add.getAttribute("title")).toContain("permits no changes");
  for (const name of ["overview", "channels", "changes"]) {
    await seen.open(name);
    const changing = page.getByRole("button", { name: /^(Change|Start|Publish|Roll back)/ });
    for (const button of await changing.all()) expect(await button.isDisabled()).toBe(true);
  }
  expect(problems).toEqual([]);
  await page.context().close();
});

test("[OP9] a page of 390 pixels fits its window, and axe finds nothing serious", async () => {
  const { page } = await openPage(browser, { width: 390, height: 844, theme: "dark" });
  await page.goto(cluster.url.href);
  await page.getByLabel("API key").waitFor();
  expect(await seriousFindings(page)).toEqual([]);
  const seen = new Console(page);
  await seen.enter(cluster.url, API_KEY);
  await seen.startClients(10, "phone");
  for (const name of PAGE_NAMES) {
    await seen.open(name);
    expect([name, await seen.overflow(), await seriousFindings(page)]).toEqual([name, 0, []]);
  }
  // [OP23] Settings have the names that set them; a secret has no value.
  await page.goto(`${cluster.url.href}#/configuration?find=insecure`);
  await page.getByText("1 setting", { exact: true }).waitFor();
  expect((await page.locator(".settings tbody tr").innerText()).split(/\s+/u)).toEqual([
    "RINGCAST.insecure",
    "false",
    "default",
  ]);
  expect(await page.locator(".configuration").innerText()).not.toContain(API_KEY);
  // [OP18] The button of each row is in sight.
  await seen.open("shards");
  for (const button of await page.getByRole("button", { name: /^Change auto/ }).all()) {
    const box = await button.boundingBox();
    expect((box?.x ?? 390) + (box?.width ?? 0)).toBeLessThanOrEqual(390);
  }
  await page.context().close();
});
