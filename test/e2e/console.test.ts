import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, openPage, seriousFindings } from "../support/browser.ts";
import { API_KEY, eventually, signToken, startCluster, type Cluster } from "../support/cluster.ts";
import { Console } from "../support/console.ts";
import { tier } from "../support/tier.ts";

const CLIENTS = 100;

let cluster: Cluster;
let browser: Browser;

beforeAll(async () => {
  // The access rules are those of a deployment: a client needs a token. Only crashes are permitted in addition.
  cluster = await startCluster({
    cluster: { insecure: false, anonymous: false, limits: { upgradesPerSecond: 2_000 } },
  });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await cluster?.stop();
});

describe("one page, a hundred clients", () => {
  let page: Page;
  let seen: Console;
  let problems: string[];
  let foreign: string[];

  beforeAll(async () => {
    ({ page, problems, foreign } = await openPage(browser));
    seen = new Console(page);
    await seen.enter(cluster.url, API_KEY);
    await seen.startClients(CLIENTS);
  });

  test("the console shows every client on the shard that holds it", async () => {
    const { body } = await cluster.admin("GET", "/cluster");
    expect(body.shards.reduce((sum: number, { sessions }: any) => sum + sessions, 0)).toBe(CLIENTS);
    for (const { id, sessions } of body.shards) {
      const here = await page.locator(`.cell[aria-label*=", ${id},"]`).count();
      // The page is no client (SPEC AU8).
      expect(here).toBe(sessions);
      await eventually(async () => (await seen.sessionsOn(id)) === sessions);
    }
    for (const key of ["sim-1", "sim-50", "sim-100"]) {
      const { body: sessions } = await cluster.admin("GET", `/users/${key}/sessions`);
      expect(sessions.sessions.map(({ shard }: any) => shard)).toEqual([await seen.shardOf(key)]);
    }
  });

  test("the console's explanation of a key equals that of the cluster", async () => {
    const { body } = await cluster.admin("GET", "/explain?key=somebody%20else");
    await page.getByLabel("Explain a key").fill("somebody else");
    const answer = page.getByTestId("explained");
    await answer.getByText("the cluster says the same").waitFor();
    const text = await answer.innerText();
    expect(text).toContain(`slot ${body.slot.toLocaleString("en-GB")}`);
    expect(text).toContain(body.owner);
    expect(text).toContain(`decided by point ${body.point.index} of ${body.point.shard}`);
    await page.getByLabel("Explain a key").fill("");
  });

  test("[OP5] an added shard takes as many sessions as the dry run has predicted, and each client reconnects", async () => {
    const [movesBefore, closesBefore] = [await seen.moves(), await seen.ownCloses()];
    await seen.open("overview");
    await page.getByRole("button", { name: "Add shards …" }).click();
    const predicted = await seen.predicted();
    expect((await cluster.admin("GET", "/cluster")).body.ringEpoch).toBe(1);
    await seen.confirm(/^Add 1 shard$/);
    await seen.connected(CLIENTS);
    const own = (await seen.ownCloses()) - closesBefore;
    expect((await seen.moves()) - movesBefore + own).toBe(predicted);
    expect(predicted).toBeGreaterThan(0);
    await seen.open("changes");
    await page.getByText(`${predicted} of ${predicted} moved`).waitFor();
    // [OP20] The shared key has no name of its own.
    await page.getByText("add auto-5 by operator (console)").waitFor();
    // The new shard sends its pulses, and has the sessions.
    await eventually(async () => (await seen.sessionsOn("auto-5")) === predicted - own);
    expect(await seen.fleet("Lost connections")).toBe("0");
  });

  test("[OP24] a session's story has the change that moved it, and is found by its id too", async () => {
    await seen.open("overview");
    const key =
      (await page.locator(".cell.has-moved").first().getAttribute("aria-label"))?.split(",")[0] ?? "";
    const shard = await seen.shardOf(key);
    await seen.open(`sessions/${key}`);
    const story = page.locator("li[data-session]");
    await story.getByText("It came here by this:").waitFor();
    const text = (await story.innerText()).replaceAll(/\s+/gu, " ");
    expect(text).toContain(`${key} on ${shard} for`);
    expect(text).toContain(`${shard} owns slot`);
    expect(text).toMatch(/epoch 2, add auto-5 by operator \(console\)/u);
    expect(text).toContain("It hears 1 channel: lobby");
    const id = (await story.getAttribute("data-session")) ?? "";
    await page.getByLabel("User, or id of a session").fill(id);
    await page.getByRole("button", { name: "Look" }).click();
    await page.locator("p", { hasText: `${id}: 1 session` }).waitFor();
    expect(await story.getAttribute("data-session")).toBe(id);
    await page.goBack();
    await page.locator("p", { hasText: `${key}: 1 session` }).waitFor();
  });

  test("[OP22] the console counts closes by their code", async () => {
    await seen.open("health");
    const closes = page.locator('[data-code="3503"] .times');
    // The feed may lose a pulse, so clients are closed until one is counted.
    await eventually(async () => {
      const client = cluster.client("closed", { token: await signToken({ sub: "closed" }) });
      client.connect();
      await client.ready();
      const ended = new Promise((done) => client.once("disconnected", done));
      await cluster.admin("POST", "/users/closed/disconnect");
      await ended;
      return (await closes.count()) > 0;
    });
    expect(Number(await closes.innerText())).toBeGreaterThan(0);
  });

  test("[OP5] a drained shard loses all its sessions, and leaves", async () => {
    const [movesBefore, closesBefore] = [await seen.moves(), await seen.ownCloses()];
    await seen.openChange("auto-2", "Drain");
    const predicted = await seen.predicted();
    await seen.confirm(/^Drain auto-2$/);
    await seen.connected(CLIENTS);
    const own = (await seen.ownCloses()) - closesBefore;
    expect((await seen.moves()) - movesBefore + own).toBe(predicted);
    await seen.open("overview");
    await seen.shard("auto-2").waitFor({ state: "detached", timeout: 30_000 });
  });

  test("[OP5] a rollback to an earlier epoch is a change like any other", async () => {
    await seen.open("changes");
    await page.getByRole("button", { name: "Roll back to epoch 2" }).click();
    const predicted = await seen.predicted();
    expect(predicted).toBeGreaterThan(0);
    await page.getByRole("button", { name: "Cancel" }).click();
    expect((await cluster.admin("GET", "/epochs?limit=1")).body.epochs[0].cause).toBe("remove auto-2");
  });

  test("the console shows a publication with its offset, once for each client, and in the channel's history", async () => {
    const before = await seen.counted("Received");
    await seen.open("channels");
    const channel = page.getByRole("region", { name: "Channel" });
    await channel.getByLabel("Channel to watch").fill("lobby");
    await channel.getByRole("button", { name: "Watch" }).click();
    await channel.getByText("lobby: subscribed").waitFor();
    await page.getByTestId("presence").getByText(`${CLIENTS} clients present`).waitFor();
    for (const n of [1, 2]) {
      const fields = { Channel: "lobby", "Data, JSON or text": `"message ${n}"` };
      expect(await seen.message("Publish", fields)).toContain(`offset ${n} of log`);
    }
    // [OP17] The watched channel is in the address.
    expect(new URL(page.url()).hash).toBe("#/channels/lobby");
    const lines = page.getByTestId("channel-events");
    await lines.getByText("message 2").waitFor();
    // Joins and leaves, also those of this page, come at any time.
    const offsets = lines.locator("li:not(.join, .leave) .offset");
    expect((await offsets.allInnerTexts()).slice(0, 2)).toEqual(["2", "1"]);
    await eventually(async () => (await seen.counted("Received")) === before + 2 * CLIENTS);
    expect(await seen.fleet("Missed, repeated")).toBe("0, 0");
    // A new subscription has no live publication yet. The history has both.
    await page.goBack();
    await channel.getByText("lobby: subscribed").waitFor();
    await channel.getByRole("button", { name: "Stop" }).click();
    await channel.getByRole("button", { name: "Watch" }).click();
    await channel.getByText("lobby: subscribed").waitFor();
    await channel.getByRole("button", { name: "History" }).click();
    await lines.getByText("message 1").waitFor();
    expect(await offsets.allInnerTexts()).toEqual(["2", "1"]);
    // The console shows a join too.
    const token = (await cluster.admin("POST", "/clients", { users: ["late"] })).body.tokens.late;
    const late = cluster.client("late", { token });
    late.newSubscription("lobby").subscribe();
    late.connect();
    await lines.locator(".join", { hasText: "late" }).waitFor();
    late.disconnect();
    await lines.locator(".leave", { hasText: "late" }).waitFor();
    await channel.getByRole("button", { name: "Stop" }).click();
  });

  test("[OP15] a channel that cannot be watched has the reason", async () => {
    await seen.open("channels/nosuch%3A1");
    const reason = page.getByRole("region", { name: "Channel" }).getByRole("alert");
    expect(await reason.innerText()).toMatch(
      /^nosuch:1 cannot be watched: unknown channel.*RINGCAST_NS_nosuch \(code 102\)/,
    );
  });

  test("a message to a user reaches that client, and costs fewer calls by the ring than by fan-out", async () => {
    const callsIn = (text: string) => Number(/with (\d+) calls?/.exec(text)?.[1]);
    const before = await seen.counted("Received");
    const ring = await seen.message("Send", { User: "sim-5", Mode: "ring" });
    expect(ring).toContain("Reached 1 session ");
    const fanout = await seen.message("Send", { User: "sim-5", Mode: "fanout" });
    expect(fanout).toContain("fan-out mode");
    expect(callsIn(ring)).toBeLessThan(callsIn(fanout));
    await eventually(async () => (await seen.counted("Received")) === before + 2);
    expect(await seen.message("Send", { User: "nobody-of-that-name", Mode: "auto" })).toContain(
      "No session of nobody-of-that-name is connected",
    );
  });

  test("a broadcast reaches all clients and the console, and the result accounts for every shard", async () => {
    const before = await seen.counted("Received");
    const result = await seen.message("Broadcast", { "Data, JSON or text": "to all" });
    expect(result).toContain(`Reached ${CLIENTS + 1} sessions`);
    expect(result).toContain("this page among them");
    await eventually(async () => (await seen.counted("Received")) === before + CLIENTS);
    const { shards } = (await cluster.admin("GET", "/cluster")).body;
    const others = shards.map(({ id, sessions }: any) => {
      const reached = Number(new RegExp(String.raw`${id} (\d+) in `).exec(result)?.[1]);
      return reached - sessions;
    });
    // The page hears it too.
    expect(others.filter((more: number) => more !== 0)).toEqual([1]);
  });

  test("[OP14] broken JSON is sent nowhere, and a message repeats from Start to Stop on whatever page", async () => {
    const before = await seen.counted("Received");
    const data = "Data, JSON or text";
    expect(await seen.message("Publish", { Channel: "lobby", [data]: '{"a": 1' })).toMatch(
      /^The message was not sent: this is not JSON \(.+\); text that begins so goes in quotes\.$/,
    );
    await page.getByRole("button", { name: "Start", exact: true }).click();
    expect(await page.getByRole("button", { name: "Stop the repeated message" }).count()).toBe(0);
    await page.getByLabel(data).fill("again");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await eventually(async () => (await seen.counted("Received")) >= before + 2 * CLIENTS);
    await page.getByText("5 a second to lobby").waitFor();
    // [OP21] The channel is among the busiest, and its name leads to it.
    await seen.open("channels");
    await page.locator('tr[data-channel="lobby"]').getByRole("link", { name: "lobby" }).waitFor();
    await page.getByRole("button", { name: "Stop the repeated message" }).click();
    await seen.open("channels");
    await page.getByRole("button", { name: "Start", exact: true }).waitFor();
  });

  test("[OP6] after a crash every client reconnects, except a stopped client", async () => {
    const victim = await seen.shardOf("sim-7");
    const lossesBefore = Number(await seen.fleet("Lost connections"));
    await seen.cell("sim-7").click();
    await page.getByTestId("selected").getByRole("button", { name: "Disconnect" }).click();
    await eventually(async () => (await seen.fleet("Stopped")) === "1");
    const here = await page.locator(`.cell[aria-label*=", ${victim},"]:not(.stopped)`).count();
    await seen.openChange(victim, "Crash");
    await page.getByRole("button", { name: `Crash ${victim}` }).click();
    await eventually(async () => Number(await seen.fleet("Lost connections")) === lossesBefore + here);
    await seen.connected(CLIENTS - 1, CLIENTS);
    await seen.open("changes");
    await page.getByText(`this page has crashed ${victim}`).waitFor();
    // [OP13] The restart, which the crash has caused, stands above it, if the page has heard of it.
    const lines = await page.locator(".timeline-entries .incident .text").allInnerTexts();
    const crash = lines.findIndex((text) => text.includes(`has crashed ${victim}`));
    expect(lines.findIndex((text) => text.startsWith(`${victim} has restarted`))).toBeLessThan(crash);
    await seen.open("overview");
    expect(await seen.cell("sim-7").getAttribute("class")).toContain("stopped");
    await page.getByTestId("selected").getByRole("button", { name: "Connect", exact: true }).click();
    await seen.connected(CLIENTS);
  });

  test("[OP7] the page survives the crash of the shard that it is connected to", async () => {
    const closesBefore = await seen.ownCloses();
    const mine = (await page.locator(".feed-state .via").innerText()).replace("via", "").trim();
    await cluster.admin("POST", `/shards/${mine}/crash`);
    await eventually(async () => (await seen.ownCloses()) > closesBefore);
    await page.locator(".feed-state .via").waitFor();
    await seen.live();
    await seen.connected(CLIENTS);
    // The page hears that shard again too, and its row is not stale.
    await eventually(async () => (await seen.shard(mine).getAttribute("class"))?.includes("stale") === false);
  });

  test("a paused client stays connected, and the operator can disconnect all clients at once", async () => {
    await seen.cell("sim-3").click();
    await page.getByTestId("selected").getByRole("button", { name: "Pause" }).click();
    await eventually(async () => (await seen.fleet("Paused")) === "1");
    await seen.connected(CLIENTS);
    await page.getByTestId("selected").getByRole("button", { name: "Resume" }).click();
    await eventually(async () => (await seen.fleet("Paused")) === "");
    await page.getByRole("button", { name: "Disconnect all clients" }).click();
    await seen.connected(0, CLIENTS);
    await page.getByRole("button", { name: "Connect all clients", exact: true }).click();
    await seen.connected(CLIENTS);
  });

  test("[OP9] axe finds nothing serious, in both themes and in the drawer", async () => {
    const findings = async (names: readonly string[]) => {
      for (const name of names) {
        await seen.open(name);
        expect([name, await seriousFindings(page)]).toEqual([name, []]);
      }
    };
    const some = ["shards", "sessions", "health", "cost"];
    const others = ["channels/lobby", "changes", "configuration", "overview"];
    const all = [...some, ...others];
    const { light, dark } = tier({
      quick: { light: some, dark: others },
      release: { light: all, dark: all },
    });
    await findings(light);
    await page.getByRole("button", { name: "Use the dark theme" }).click();
    await findings(dark);
    await page.getByRole("button", { name: "Add shards …" }).click();
    await page.getByTestId("dry-run").waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
  });

  test("[OP9] the tab key stops once at the clients, and the arrow keys go from one to the next", async () => {
    await page.getByRole("button", { name: "Start clients" }).focus();
    await page.keyboard.press("Tab");
    const focused = () => page.evaluate("document.activeElement.getAttribute('aria-label')");
    expect(await focused()).toMatch(/^sim-\d+, connected/);
    const first = await focused();
    await page.keyboard.press("ArrowRight");
    expect(await focused()).toMatch(/^sim-\d+, connected/);
    expect(await focused()).not.toBe(first);
    await page.keyboard.press("Enter");
    await page.getByTestId("selected").waitFor();
  });

  test("the page has logged no problem except the sockets that were cut", async () => {
    // A browser logs each socket that a crash breaks while the socket opens.
    expect(problems.filter((text) => !text.startsWith("WebSocket connection to"))).toEqual([]);
    expect(foreign).toEqual([]);
    await page.context().close();
  });
});
