/**
 * Measures the console under load: 200 clients on one channel with 20 publications per second, which are 4,000
 * deliveries per second. The measurement counts the long tasks that the browser reports.
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
  const operator = new Console(page);
  await operator.enter(cluster.url, API_KEY);
  await operator.startClients(CLIENTS);
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
  const before = Number((await operator.fleet("Received")).replaceAll(",", ""));
  const startedAt = performance.now();
  for (let n = 0; n < PER_SECOND * SECONDS; n++) {
    const dueAt = startedAt + (n * 1_000) / PER_SECOND;
    await sleep(Math.max(0, dueAt - performance.now()));
    void publisher.publish("lobby", { n, sentAt: Date.now() });
  }
  await sleep(2_000);
  const seconds = (performance.now() - startedAt) / 1_000;
  const longTasks = (await page.evaluate("longTasks")) as number[];
  const frames = (await page.evaluate("frames")) as number;
  console.table([
    {
      received: Number((await operator.fleet("Received")).replaceAll(",", "")) - before,
      expected: CLIENTS * PER_SECOND * SECONDS,
      "missed, repeated": await operator.fleet("Missed, repeated"),
      "arrival p50, p99": await operator.fleet("Arrival"),
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
