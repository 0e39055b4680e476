/**
 * How the operator's page bears 200 clients on one channel with 20 publications a second (4,000 deliveries a second),
 * by the browser's own account of long tasks.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { launchBrowser, openPage } from "../support/browser.ts";
import { API_KEY, startCluster } from "../support/cluster.ts";
import { Console } from "../support/console.ts";

const CLIENTS = 200;
const PER_SECOND = 20;
const SECONDS = 30;

const cluster = await startCluster({ cluster: { limits: { upgradesPerSecond: 2_000 } } });
const browser = await launchBrowser();
try {
  const { page } = await openPage(browser);
  const seen = new Console(page);
  await seen.enter(cluster.url, API_KEY);
  await seen.startClients(CLIENTS);
  const publisher = cluster.client("publisher");
  publisher.connect();
  await publisher.ready();
  await page.evaluate(`
    globalThis.longTasks = [];
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longTasks.push(duration);
    }).observe({ type: "longtask" });
    globalThis.frames = 0;
    (function count() { frames += 1; requestAnimationFrame(count); })();
  `);
  const before = Number((await seen.fleet("Received")).replaceAll(",", ""));
  const started = performance.now();
  for (let n = 0; n < PER_SECOND * SECONDS; n++) {
    const due = started + (n * 1_000) / PER_SECOND;
    await sleep(Math.max(0, due - performance.now()));
    void publisher.publish("lobby", { n, sentAt: Date.now() });
  }
  await sleep(2_000);
  const seconds = (performance.now() - started) / 1_000;
  const longTasks = (await page.evaluate("longTasks")) as number[];
  const frames = (await page.evaluate("frames")) as number;
  console.table([
    {
      received: Number((await seen.fleet("Received")).replaceAll(",", "")) - before,
      expected: CLIENTS * PER_SECOND * SECONDS,
      "missed, twice": await seen.fleet("Missed, twice"),
      "arrival p50, p99": await seen.fleet("Arrival"),
      "tasks over 50 ms": longTasks.length,
      "over 100 ms": longTasks.filter((ms) => ms > 100).length,
      "longest, ms": Math.round(Math.max(0, ...longTasks)),
      "frames a second": Math.round(frames / seconds),
    },
  ]);
} finally {
  await browser.close();
  await cluster.stop();
}
process.exit(0);
