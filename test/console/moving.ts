/**
 * Records the moving picture of README: 200 clients hear five publications a second while the operator adds a shard
 * and drains another one. It is the console of a real server, and no recording is kept in which a client missed a
 * publication or heard one twice.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { launchBrowser, openPage } from "../support/browser.ts";
import { API_KEY, startCluster } from "../support/cluster.ts";
import { Console } from "../support/console.ts";

const FRAME_MS = 400;
const LAST_FRAME_MS = 4_000;
const WINDOW = { width: 1_200, height: 760 };
/** The width of the picture, in pixels. */
const WIDTH = 960;

const docs = join(import.meta.dirname, "../../docs");
const browser = await launchBrowser();
try {
  for (const theme of ["dark", "light"] as const) {
    const frames = await record(browser, theme);
    const webp = await animate(frames);
    writeFileSync(join(docs, `moving-${theme}.webp`), webp);
    console.log(`${theme}: ${frames.length} frames, ${Math.round(webp.byteLength / 1024)} KiB`);
  }
} finally {
  await browser.close();
}
process.exit(0);

async function record(from: Browser, theme: "dark" | "light"): Promise<Buffer[]> {
  const cluster = await startCluster({
    cluster: { limits: { upgradesPerSecond: 2_000 }, scale: { mode: "off" } },
  });
  try {
    const { page } = await openPage(from, { theme, ...WINDOW });
    const operator = new Console(page);
    await operator.enter(cluster.url, API_KEY);
    await operator.startClients(200);
    await operator.open("channels");
    await page.getByLabel("Repeat").selectOption("5");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await operator.open("overview");
    await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)");
    const film = filmOf(page);
    await sleep(2_000);
    await page.getByRole("button", { name: "Add shards …" }).click();
    await operator.predicted();
    await sleep(1_500);
    await operator.confirm(/^Add 1 shard$/);
    await operator.connected(200);
    await sleep(2_500);
    await operator.openChange("auto-3", "Drain");
    await operator.predicted();
    await sleep(1_500);
    await operator.confirm(/^Drain auto-3$/);
    await operator.connected(200);
    await sleep(2_500);
    const frames = await film.stop();
    const verdict = await operator.fleet("Missed, repeated");
    if (verdict !== "0, 0") throw new Error(`missed, repeated: ${verdict}`);
    await page.context().close();
    return frames;
  } finally {
    await cluster.stop();
  }
}

/** Takes frames of the page until it is told to stop. */
function filmOf(page: Page): { stop(): Promise<Buffer[]> } {
  const frames: Buffer[] = [];
  const cut = new AbortController();
  const end = (async () => {
    while (!cut.signal.aborted) {
      const next = sleep(FRAME_MS);
      frames.push(await page.screenshot());
      await next;
    }
  })();
  return {
    async stop() {
      cut.abort();
      await end;
      return frames;
    },
  };
}

async function animate(frames: readonly Buffer[]): Promise<Buffer> {
  const small = await Promise.all(
    frames.map((frame) => sharp(frame).resize({ width: WIDTH }).png().toBuffer()),
  );
  const delay = small.map((_, at) => (at === small.length - 1 ? LAST_FRAME_MS : FRAME_MS));
  return sharp(small, { join: { animated: true } })
    .webp({ loop: 0, delay, quality: 70, effort: 4, minSize: true })
    .toBuffer();
}
