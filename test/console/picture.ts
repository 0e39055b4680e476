/** Takes the README's pictures of the operator's page: 200 clients, right after a shard was added. */
import { setTimeout as sleep } from "node:timers/promises";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { launchBrowser, openPage } from "../support/browser.ts";
import { API_KEY, startCluster } from "../support/cluster.ts";
import { Console } from "../support/console.ts";

const docs = join(import.meta.dirname, "../../docs");
const browser = await launchBrowser();
try {
  for (const theme of ["dark", "light"] as const) await take(browser, theme);
} finally {
  await browser.close();
}
process.exit(0);

async function take(from: Browser, theme: "dark" | "light"): Promise<void> {
  const cluster = await startCluster({ cluster: { limits: { upgradesPerSecond: 2_000 } } });
  try {
    const { page } = await openPage(from, { theme, scale: 1.5 });
    const seen = new Console(page);
    await seen.enter(cluster.url, API_KEY);
    await seen.startClients(200);
    const channel = page.getByRole("region", { name: "Channel" });
    await channel.getByRole("button", { name: "Watch" }).click();
    await seen.openChange("auto-2", "Change weight");
    await page.getByLabel("Weight, 1 to 64").fill("24");
    await seen.predicted();
    await seen.confirm(/^Change weight$/);
    await seen.connected(200);
    await page.getByLabel("Repeat").selectOption("5");
    await sleep(12_000);
    await seen.openChange("auto-3", "Crash");
    await page.getByRole("button", { name: "Crash auto-3" }).click();
    await sleep(10_000);
    await seen.connected(200);
    await seen.message("Broadcast", { "Data, JSON or text": "hello, everybody" });
    await seen.message("Publish", { "Data, JSON or text": "hello" });
    await page.getByLabel("Repeat").selectOption("5");
    await sleep(8_000);
    await page.getByLabel("Explain a key").fill("ann");
    await seen.cell("sim-42").click();
    await page.getByRole("button", { name: "Add shards …" }).click();
    await seen.predicted();
    await seen.confirm(/^Add 1 shard$/);
    await sleep(2_200);
    // The page's own connection may have been among those that moved.
    await page.getByText("via auto-").waitFor();
    await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)");
    const picture = await page.screenshot({ fullPage: true });
    const webp = await toWebp(from, picture);
    mkdirSync(docs, { recursive: true });
    writeFileSync(join(docs, `console-${theme}.webp`), webp);
    console.log(`${theme}: ${Math.round(webp.byteLength / 1024)} KiB`);
    await page.context().close();
  } finally {
    await cluster.stop();
  }
}

/** The browser can write what it reads. */
async function toWebp(from: Browser, png: Buffer): Promise<Buffer> {
  const page = await from.newPage();
  const text = await page.evaluate(`(async () => {
    const png = await fetch("data:image/png;base64,${png.toString("base64")}");
    const bitmap = await createImageBitmap(await png.blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    const webp = await canvas.convertToBlob({ type: "image/webp", quality: 0.9 });
    return new Uint8Array(await webp.arrayBuffer()).toBase64();
  })()`);
  await page.close();
  return Buffer.from(String(text), "base64");
}
