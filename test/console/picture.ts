/** Takes the pictures of the console for the README: 200 clients, right after the operator has added a shard. */
import { setTimeout as sleep } from "node:timers/promises";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import sharp from "sharp";
import { launchBrowser, openPage } from "../support/browser.ts";
import { API_KEY, startCluster } from "../support/cluster.ts";
import { Console } from "../support/console.ts";

const docs = join(import.meta.dirname, "../../docs");
const browser = await launchBrowser();
try {
  for (const theme of ["dark", "light"] as const) await takePicture(browser, theme);
} finally {
  await browser.close();
}
process.exit(0);

async function takePicture(from: Browser, theme: "dark" | "light"): Promise<void> {
  const cluster = await startCluster({
    cluster: { limits: { upgradesPerSecond: 2_000 }, scale: { mode: "on" } },
  });
  try {
    const { page } = await openPage(from, { theme, scale: 1.5 });
    const operator = new Console(page);
    await operator.enter(cluster.url, API_KEY);
    await operator.startClients(200);
    await operator.openChange("auto-2", "Change weight");
    await page.getByLabel("Weight, 1 to 64").fill("24");
    await operator.predicted();
    await operator.confirm(/^Change weight$/);
    await operator.connected(200);
    await operator.open("channels");
    await page.getByLabel("Repeat").selectOption("5");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await sleep(12_000);
    await operator.openChange("auto-3", "Crash");
    await page.getByRole("button", { name: "Crash auto-3" }).click();
    await sleep(10_000);
    await operator.connected(200);
    await operator.message("Broadcast", { "Data, JSON or text": "hello, everybody" });
    await operator.message("Publish", { "Data, JSON or text": "hello" });
    await operator.open("channels");
    await page.getByLabel("Repeat").selectOption("5");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await sleep(8_000);
    await operator.open("overview");
    await page.getByLabel("Explain a key").fill("ann");
    await operator.cell("sim-42").click();
    await page.getByRole("button", { name: "Add shards …" }).click();
    await operator.predicted();
    await operator.confirm(/^Add 1 shard$/);
    await sleep(2_200);
    // The move may have closed the page's own connection too.
    await page.getByText("via auto-").waitFor();
    await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)");
    const picture = await page.screenshot({ fullPage: true });
    const webp = await sharp(picture).webp({ quality: 90 }).toBuffer();
    mkdirSync(docs, { recursive: true });
    writeFileSync(join(docs, `console-${theme}.webp`), webp);
    console.log(`${theme}: ${Math.round(webp.byteLength / 1024)} KiB`);
    await page.context().close();
  } finally {
    await cluster.stop();
  }
}
