import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCluster, type TestCluster } from "../../src/testing/testing.ts";
import { launchBrowser, openPage } from "../support/browser.ts";
import { eventually } from "../support/cluster.ts";
import type { channels } from "../support/entries/channels.ts";

const root = join(import.meta.dirname, "../support/entries");
const page = join(import.meta.dirname, "../support/page");

const MINUTE_MS = 60_000;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster({ root });
});
afterAll(() => cluster?.stop());

/** The errors that nobody catches while `act` goes on; without this they would end the test. */
async function uncaught(act: () => Promise<void>): Promise<unknown[]> {
  const others = process.listeners("uncaughtException");
  const errors: unknown[] = [];
  const take = (error: unknown): void => void errors.push(error);
  process.removeAllListeners("uncaughtException").on("uncaughtException", take);
  try {
    await act();
  } finally {
    process.removeListener("uncaughtException", take);
    for (const other of others) process.on("uncaughtException", other);
  }
  return errors;
}

describe("[PK11] the client of the package", () => {
  test("it is subscribed while something listens, and hears typed data", async () => {
    const client = cluster.client<typeof channels>({ key: "ann", user: "ann" });
    const chat = client.channel("chat:client");
    expect(client.channel("chat:client")).toBe(chat);
    const heard: string[] = [];
    const stops = [chat.listen(({ text }) => heard.push(text)), chat.listen(({ text }) => heard.push(text))];
    await eventually(() => chat.state.status === "subscribed");
    expect(chat.state).toEqual({ status: "subscribed", resume: "fresh", error: undefined });
    await chat.publish({ text: "one" });
    await eventually(() => heard.length === 2);
    expect(heard).toEqual(["one", "one"]);
    const { clients } = await chat.presence();
    expect(Object.values(clients).map(({ user }) => user)).toEqual(["ann"]);
    expect((await chat.history({ limit: 10 })).publications.map(({ data }) => data)).toEqual([
      { text: "one" },
    ]);
    // @ts-expect-error -- the type is wrong
    await expect(chat.publish({ text: 1 })).rejects.toMatchObject({
      code: 107,
      message: expect.stringContaining("data.text"),
    });
    stops[0]?.();
    // A listener that comes at once finds the subscription as it was.
    stops[1]?.();
    const again = chat.listen(() => undefined);
    expect(chat.state.status).toBe("subscribed");
    again();
    await eventually(() => chat.state.status === "unsubscribed");
    await eventually(async () => {
      const { num_clients } = (await cluster.api("presence_stats", { channel: "chat:client" })) as any;
      return num_clients === 0;
    });
    const closed = client.channel("closed:a");
    closed.listen(() => undefined);
    await eventually(() => closed.state.error?.code === 103);
  });

  test("where nothing is kept, a client that was away is told that something may be missing", async () => {
    const client = cluster.client({ key: "bob", user: "bob", minReconnectDelay: 200 });
    const passing = client.channel("passing:a");
    passing.listen(() => undefined);
    await eventually(() => passing.state.status === "subscribed");
    expect(passing.state.resume).toBe("fresh");
    const states: string[] = [];
    passing.watch(() => states.push(`${passing.state.status} ${passing.state.resume}`));
    await cluster.crashShards();
    await eventually(() => states.length > 0 && passing.state.status === "subscribed");
    expect(passing.state.resume).toBe("gap");
  });

  test("an error of one listener is its own: the others hear, and the client stays connected", async () => {
    const client = cluster.client<typeof channels>({ key: "hal", user: "hal" });
    const chat = client.channel("chat:throws");
    const heard: string[] = [];
    chat.listen(({ text }) => {
      if (text === "bad") throw new Error("of a listener");
    });
    chat.listen(({ text }) => heard.push(text));
    await eventually(() => chat.state.status === "subscribed");
    const thrown = await uncaught(async () => {
      for (const text of ["bad", "good"]) await chat.publish({ text });
      await eventually(() => heard.length === 2);
    });
    expect(heard).toEqual(["bad", "good"]);
    expect(thrown.map(String)).toEqual(["Error: of a listener"]);
    expect(chat.state.status).toBe("subscribed");
  });

  test("without a token it is unsubscribed with a reason; where a token is not renewed in time nothing is missing", async () => {
    const client = cluster.client<typeof channels>({ key: "ida", user: "ida" });
    const refused = client.channel("chat:refused", { getToken: async () => "" });
    refused.listen(() => undefined);
    await eventually(() => refused.state.error !== undefined);
    expect(refused.state).toMatchObject({ status: "unsubscribed", error: { code: 1 } });
    const chat = client.channel("chat:renewed");
    chat.listen(() => undefined);
    await eventually(() => chat.state.status === "subscribed");
    // So the stock client tells of a `getToken` that has failed; it asks again.
    chat.subscription.emit("error", {
      type: "refreshToken",
      channel: chat.name,
      error: { code: 9, message: "no answer" },
    });
    expect(chat.state.error).toBeUndefined();
  });

  test("after a crash it has missed nothing, and says so", async () => {
    const client = cluster.client<typeof channels>({ key: "bob", minReconnectDelay: 50 });
    const chat = client.channel("chat:crash");
    const heard: string[] = [];
    chat.listen(({ text }) => heard.push(text));
    await eventually(() => chat.state.status === "subscribed");
    await cluster.api("publish", { channel: "chat:crash", data: { text: "before" } });
    await eventually(() => heard.length === 1);
    await cluster.crashShards();
    await cluster.api("publish", { channel: "chat:crash", data: { text: "after" } });
    await eventually(() => heard.length === 2);
    expect(heard).toEqual(["before", "after"]);
    await eventually(() => chat.state.resume === "complete");
    await expect(cluster.api("publish", { channel: "nowhere:a", data: 1 })).rejects.toThrow("102");
  });
});

describe("[PK13] the cluster for tests", () => {
  test("`expectToSleep` passes with open sockets, which stay open, and names an object that stays awake", async () => {
    const client = cluster.client<typeof channels>({ key: "carl" });
    const chat = client.channel("chat:sleep");
    const heard: string[] = [];
    chat.listen(({ text }) => heard.push(text));
    await eventually(() => chat.state.status === "subscribed");
    let lost = 0;
    client.centrifuge.on("connecting", () => (lost += 1));
    await cluster.expectToSleep();
    await chat.publish({ text: "awake" });
    await eventually(() => heard.length === 1);
    expect(lost).toBe(0);
    await client.centrifuge.rpc("stay awake", null);
    await expect(cluster.expectToSleep({ withinMs: 2_000 })).rejects.toThrow(
      /^these objects do not sleep.*SHARD auto\/auto-/u,
    );
  });
});

describe("[PK25] the time of the cluster for tests", () => {
  const historyOf = async (channel: string) =>
    (await cluster.api("history", { channel, limit: 10 })) as {
      readonly publications: readonly unknown[];
      readonly offset: number;
      readonly epoch: string;
    };

  const channelsLike = async (pattern: string): Promise<string[]> => {
    const { channels } = (await cluster.api("channels", { pattern })) as { readonly channels: object };
    return Object.keys(channels);
  };

  test("history runs out, and a channel that nobody uses is forgotten", async () => {
    await cluster.api("publish", { channel: "chat:time", data: { text: "one" } });
    const first = await historyOf("chat:time");
    expect(first).toMatchObject({ offset: 1, publications: [{ data: { text: "one" } }] });
    await cluster.advance(5 * MINUTE_MS - 10_000);
    expect((await historyOf("chat:time")).publications).toHaveLength(1);
    await cluster.advance(10_000);
    expect(await historyOf("chat:time")).toMatchObject({ offset: 1, epoch: first.epoch, publications: [] });
    await cluster.advance(60 * 24 * 60 * MINUTE_MS);
    const later = await historyOf("chat:time");
    expect(later.offset).toBe(0);
    expect(later.epoch).not.toBe(first.epoch);
  });

  test("so is one whose last listener has just left", async () => {
    const chat = cluster.client<typeof channels>({ key: "fay" }).channel("chat:left");
    const stop = chat.listen(() => undefined);
    await eventually(() => chat.state.status === "subscribed");
    await cluster.api("publish", { channel: "chat:left", data: { text: "one" } });
    const first = await historyOf("chat:left");
    stop();
    // The client calls itself unsubscribed before the shard has heard of it.
    await eventually(async () => (await channelsLike("chat:left")).length === 0);
    await cluster.advance(60 * 24 * 60 * MINUTE_MS);
    const later = await historyOf("chat:left");
    expect(later).toMatchObject({ offset: 0, publications: [] });
    expect(later.epoch).not.toBe(first.epoch);
  });

  test("a client that is idle stays connected, however often the time moves", async () => {
    const client = cluster.client<typeof channels>({ key: "gil" });
    const chat = client.channel("chat:idle");
    const heard: string[] = [];
    chat.listen(({ text }) => heard.push(text));
    await eventually(() => chat.state.status === "subscribed");
    const ended: number[] = [];
    client.centrifuge.on("connecting", ({ code }) => ended.push(code));
    for (let n = 0; n < 3; n++) await cluster.advance(10 * MINUTE_MS);
    await cluster.api("publish", { channel: "chat:idle", data: { text: "still here" } });
    await eventually(() => heard.length === 1);
    expect(ended).toEqual([]);
  });

  test("a token expires, and its client comes back with another and has missed nothing", async () => {
    const client = cluster.client<typeof channels>({ key: "erin", user: "erin", minReconnectDelay: 50 });
    const chat = client.channel("chat:token");
    const heard: string[] = [];
    chat.listen(({ text }) => heard.push(text));
    await eventually(() => chat.state.status === "subscribed");
    const ended: number[] = [];
    client.centrifuge.on("connecting", ({ code }) => ended.push(code));
    await cluster.advance(2 * 60 * MINUTE_MS);
    await cluster.api("publish", { channel: "chat:token", data: { text: "later" } });
    await eventually(() => heard.length === 1);
    expect(ended).toEqual([3005]);
    expect(chat.state.resume).toBe("complete");
  });
});

describe("[PK12] the hooks for React, in Chromium and in strict mode", () => {
  let browser: Browser;
  let server: Server;
  beforeAll(async () => {
    browser = await launchBrowser();
    const built = await build({
      root: page,
      logLevel: "warn",
      configFile: false,
      define: { "process.env.NODE_ENV": '"development"' },
      oxc: { jsx: { runtime: "automatic", importSource: "react" } },
      build: { write: false, minify: false, rollupOptions: { input: join(page, "page.tsx") } },
    });
    const { output } = built as { readonly output: readonly { readonly code?: string }[] };
    const script = output[0]?.code ?? "";
    server = createServer((request, response) => {
      if (request.url === "/page.js") response.setHeader("content-type", "text/javascript").end(script);
      else
        response
          .setHeader("content-type", "text/html")
          .end(
            '<!doctype html><link rel="icon" href="data:," /><div id="root"></div><script type="module" src="/page.js"></script>',
          );
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  test("a channel is subscribed once, shows what comes and what came meanwhile, and is left with its component", async () => {
    const { page: tab, problems } = await openPage(browser);
    const sent: string[] = [];
    tab.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => sent.push(String(payload)));
    });
    const { port } = server.address() as AddressInfo;
    const shows = (id: string, text: string) =>
      eventually(async () => (await tab.textContent(`#${id}`))?.trim() === text);
    const says = (text: string) => cluster.api("publish", { channel: "chat:lobby", data: { text } });
    await tab.goto(`http://127.0.0.1:${port}/?cluster=${encodeURIComponent(cluster.url.href)}`);
    await shows("connection", "connected");
    await shows("channel", "subscribed fresh");
    await shows("members", "1");
    await says("one");
    await tab.click("#say");
    await shows("data", "one,from the page");
    expect(sent.join("\n").split('"subscribe":').length - 1).toBe(1);
    await tab.click("#wrong");
    await eventually(async () => (await tab.textContent("#failure"))?.includes("data.text") === true);
    const other = cluster.client({ key: "dora" });
    other.channel("chat:lobby").listen(() => undefined);
    await shows("members", "2");
    await cluster.crashShards();
    await says("meanwhile");
    await shows("data", "one,from the page,meanwhile");
    await shows("channel", "subscribed complete");
    other.disconnect();
    await tab.click("#toggle");
    await eventually(async () => {
      const { num_clients } = (await cluster.api("presence_stats", { channel: "chat:lobby" })) as any;
      return num_clients === 0;
    });
    await tab.click("#toggle");
    await shows("channel", "subscribed fresh");
    // A browser tells of the lost connection by itself.
    expect(problems.filter((problem) => !problem.includes("WebSocket connection"))).toEqual([]);
  });
});
