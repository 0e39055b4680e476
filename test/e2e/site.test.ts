import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { createTestHarness } from "wrangler";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { costsOf } from "../../bench/simulate/costs.ts";
import { simulate } from "../../bench/simulate/model.ts";
import { sidebar } from "../../docs/.vitepress/navigation.ts";
import { launchBrowser, openPage, seriousFindings } from "../support/browser.ts";

// The runtime would otherwise fetch the geography of the edge from the net.
process.env["CLOUDFLARE_CF_FETCH_ENABLED"] ??= "false";

const root = join(import.meta.dirname, "../..");
const built = join(root, "dist/docs");

// The build takes some 20 s, and axe as long again, so vitest.config.ts has this file in the release tier alone.
describe("the built documentation site", () => {
  let server: ReturnType<typeof createTestHarness>;
  let browser: Browser;
  let url: URL;
  beforeAll(async () => {
    execFileSync(join(root, "node_modules/.bin/vitepress"), ["build", "docs"], { cwd: root });
    // As it is deployed.
    server = createTestHarness({ root, workers: [{ configPath: "docs/wrangler.jsonc" }] });
    url = (await server.listen()).url;
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const htmlOf = (path: string): string => readFileSync(join(built, path), "utf8");
  const pages = (): string[] =>
    readdirSync(built, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".html") && name !== "404.html",
    );

  test("[DO1] each link of each page leads to a page, a file and an anchor that exist", () => {
    const ids = new Map(
      pages().map((page) => [
        page,
        new Set([...htmlOf(page).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)),
      ]),
    );
    const faults: string[] = [];
    for (const page of pages())
      for (const [, href = ""] of htmlOf(page).matchAll(/<a [^>]*href="([^"]+)"/g)) {
        const target = new URL(href, new URL(page, "http://site/"));
        if (target.host !== "site") continue;
        const path = decodeURI(target.pathname).slice(1);
        const file = [path, `${path}.html`, join(path, "index.html")].find(
          (one) => one !== "" && one.includes(".") && existsSync(join(built, one)),
        );
        const anchor = decodeURIComponent(target.hash.slice(1));
        if (file === undefined) faults.push(`${page}: ${href}`);
        else if (anchor !== "" && file.endsWith(".html") && ids.get(file)?.has(anchor) !== true)
          faults.push(`${page}: ${href} (no such anchor)`);
      }
    expect(pages().length).toBeGreaterThan(30);
    expect(faults).toEqual([]);
  });

  test.each([
    ["light", 1280],
    ["dark", 1280],
    ["light", 390],
    ["dark", 390],
  ] as const)(
    "[DO4] axe finds nothing in the %s theme at %i px, and all is from this host",
    async (theme, width) => {
      const { page, problems, foreign } = await openPage(browser, { theme, width });
      for (const path of [
        "/",
        "/start",
        "/concepts",
        "/operate/cost",
        "/reference/codes",
        "/reference/server-api",
      ]) {
        await page.goto(new URL(path, url).href, { waitUntil: "networkidle" });
        expect(await seriousFindings(page), path).toEqual([]);
        const overflow = await page.evaluate(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        expect(overflow, path).toBeLessThanOrEqual(0);
      }
      expect(problems).toEqual([]);
      expect(foreign).toEqual([]);
      await page.context().close();
    },
  );

  test("[DO5] the calculator says what npm run simulate says", async () => {
    const { page } = await openPage(browser);
    await page.goto(new URL("/operate/cost", url).href, { waitUntil: "networkidle" });
    await page.fill('input[name="clients"]', "100000");
    await page.fill('input[name="shards"]', "10");
    await page.fill('input[name="publicationsPerSecond"]', "1");
    const load = {
      clients: 100_000,
      shards: 10,
      publicationsPerSecond: 1,
      connectsADay: 4,
      framesAnHour: 10,
      regions: 1,
      roundTripMs: 20,
      upgradesPerSecond: 400,
    };
    const costs = costsOf(JSON.parse(readFileSync(join(root, "bench/results.json"), "utf8")));
    const { total } = simulate(load, costs).dollarsAMonth;
    const shown = await page.locator('tr[data-item="total"] td').innerText();
    expect(Number(shown.replaceAll(/[$,]/g, ""))).toBeCloseTo(total, 2);
    await page.context().close();
  });

  test("[DO6] the search finds a setting, and llms.txt has each page", async () => {
    const { page, foreign } = await openPage(browser);
    await page.goto(url.href, { waitUntil: "networkidle" });
    await page.locator(".VPNavBarSearch button").first().click();
    await page.locator("#localsearch-input").fill("sessionsPerShard");
    await page.locator('.VPLocalSearchBox .result[href*="/reference/settings"]').first().waitFor();
    expect(foreign).toEqual([]);
    await page.context().close();
    const list = await (await fetch(new URL("/llms.txt", url))).text();
    for (const { link, text } of sidebar.flatMap(({ items }) => items))
      expect(list).toContain(`[${text}](${link})`);
    const full = await (await fetch(new URL("/llms-full.txt", url))).text();
    expect(full).toContain("limits.sessionsPerShard");
  });
});
