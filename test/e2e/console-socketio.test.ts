import { io } from "socket.io-client";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, openPage, seriousFindings } from "../support/browser.ts";
import { API_KEY, eventually, READ_KEY, startCluster, type Cluster } from "../support/cluster.ts";
import { Console } from "../support/console.ts";

/** The page finds out. */
const PATH = "/sockets/";
/** Of each library. */
const CLIENTS = 20;

let cluster: Cluster;
let browser: Browser;
beforeAll(async () => {
  cluster = await startCluster({
    local: true,
    cluster: { insecure: false, anonymous: false, socketio: { path: PATH } },
  });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await cluster?.stop();
});

const panelOf = (page: Page) => page.getByRole("region", { name: "Socket.IO" });

describe("one page, clients of both libraries", () => {
  let page: Page;
  let seen: Console;
  let problems: string[];
  let foreign: string[];
  beforeAll(async () => {
    ({ page, problems, foreign } = await openPage(browser));
    seen = new Console(page);
    await seen.enter(cluster.url, API_KEY);
    await page.getByRole("link", { name: "Socket.IO" }).waitFor();
    await page.getByLabel("Library").selectOption("Socket.IO");
    await seen.startClients(CLIENTS, "io");
    await page.getByLabel("Library").selectOption("Centrifuge");
    await seen.askForClients(CLIENTS, "cf");
    await seen.connected(2 * CLIENTS);
  });

  const counted = async (row: string, cell: number): Promise<number> =>
    Number(await panelOf(page).locator(row).locator("td").nth(cell).innerText());
  /** Emits by the form; the result that the page shows. */
  async function emit(fields: Record<string, string>): Promise<string> {
    await seen.open("socketio");
    const form = page.getByRole("form", { name: "Emit an event" });
    for (const [label, value] of Object.entries(fields)) await form.getByLabel(label).fill(value);
    const result = page.getByTestId("emit-result");
    await form.getByRole("button", { name: "Emit" }).click();
    await eventually(async () => !(await result.innerText()).includes("Emitting"));
    return result.innerText();
  }

  test("[SO55] the console shows shards and namespaces of Socket.IO live, and each shard's sessions of both fronts", async () => {
    await seen.open("socketio");
    await page.getByTestId("socketio-totals").getByText(`${CLIENTS} sockets in 1 namespace`).waitFor();
    expect(await counted('tr[data-namespace="/"]', 0)).toBe(CLIENTS);
    // A client may come back on a busy machine, so all rows are read together until they agree.
    await eventually(async () => {
      const { shards } = (await cluster.admin("GET", "/cluster")).body;
      let [all, sockets] = [0, 0];
      for (const { id, sessions } of shards) {
        if ((await seen.sessionsOn(id)) !== sessions) return false;
        all += sessions;
      }
      await seen.open("socketio");
      for (const { id } of shards) sockets += await counted(`tr[data-socketio-shard="${id}"]`, 1);
      return sockets === CLIENTS && all === 2 * CLIENTS;
    });
    await seen.open("socketio");
    const other = io(new URL("/chat", cluster.url).href, {
      path: PATH,
      transports: ["websocket"],
      query: { token: (await cluster.admin("POST", "/clients", { users: ["other"] })).body.tokens.other },
    });
    await panelOf(page).locator('tr[data-namespace="/chat"]').waitFor();
    other.disconnect();
    await panelOf(page).locator('tr[data-namespace="/chat"]').waitFor({ state: "detached" });
  });

  test("[SO57] each simulated Socket.IO client is a stock client, on the shard that the page shows", async () => {
    const { body } = await cluster.admin("GET", "/socketio/sockets?limit=500");
    const byShard = Map.groupBy(body.sockets, ({ id }: any) => /^auto\.(.+)~/.exec(id)?.[1] ?? "");
    expect(body.sockets.length).toBe(CLIENTS);
    await seen.open("overview");
    for (const [shard, sockets] of byShard)
      expect(await page.locator(`.cell[aria-label^="io-"][aria-label*=", ${shard},"]`).count()).toBe(
        sockets.length,
      );
    await seen.cell("io-1").click();
    await page.getByTestId("selected").getByText("a Socket.IO client").waitFor();
  });

  test("[SO56] rooms and sockets are shown when the operator asks for them", async () => {
    await seen.open("socketio");
    const look = page.getByTestId("socketio-look");
    await look.getByText("Choose a namespace").waitFor();
    await page.getByRole("button", { name: "Rooms of /" }).click();
    await look.getByRole("button", { name: `lobby ${CLIENTS} sockets` }).click();
    const list = look.getByRole("list", { name: "Sockets in lobby" });
    await list.waitFor();
    expect(await list.locator("li").count()).toBe(CLIENTS);
    expect(await list.locator("li").first().innerText()).toMatch(/^auto\.auto-\d+~[\w-]{20}\s+io-\d+\s/);
    await look.getByRole("button", { name: "All sockets" }).click();
    await look.getByRole("list", { name: "Sockets of the namespace" }).waitFor();
  });

  test("[SO58] the form emits to rooms, and says why it does not", async () => {
    const before = await seen.counted("Received");
    const room = "Rooms, or none for all";
    expect(await emit({ [room]: "lobby", Event: "said", "Arguments, JSON or text": '["hello", 1]' })).toMatch(
      /^Emitted to 1 room, in \d/,
    );
    // The room is shared: the clients of both libraries hear it.
    await eventually(async () => (await seen.counted("Received")) === before + 2 * CLIENTS);
    expect(await emit({ [room]: "" })).toContain("Emitted to all sockets of the namespace");
    await eventually(async () => (await seen.counted("Received")) === before + 3 * CLIENTS);
    expect(await emit({ Event: "disconnect" })).toContain('"disconnect" is a reserved event name');
    expect(await emit({ Event: "said", [room]: "é" })).toContain("printable ASCII");
    expect(await seen.counted("Received")).toBe(before + 3 * CLIENTS);
  });

  test("[SO57] simulated clients of Socket.IO pause, move and come back as others do", async () => {
    await seen.open("overview");
    const selected = page.getByTestId("selected");
    await selected.getByText("io-1").waitFor();
    await selected.getByRole("button", { name: "Pause" }).click();
    const roomSize = async (): Promise<number> =>
      (await cluster.admin("GET", "/socketio/rooms")).body.rooms[0].sockets;
    await eventually(async () => (await roomSize()) === CLIENTS - 1);
    await selected.getByRole("button", { name: "Resume" }).click();
    await eventually(async () => (await roomSize()) === CLIENTS);
    const shard = await seen.shardOf("io-1");
    const movesBefore = await seen.moves();
    await seen.openChange(shard, "Drain");
    const predicted = await seen.predicted();
    const closesBefore = await seen.ownCloses();
    await seen.confirm(new RegExp(`^Drain ${shard}$`));
    await seen.connected(2 * CLIENTS);
    const own = (await seen.ownCloses()) - closesBefore;
    expect((await seen.moves()) - movesBefore + own).toBe(predicted);
    expect(await seen.shardOf("io-1")).not.toBe(shard);
    await eventually(async () => (await roomSize()) === CLIENTS);
    const victim = await seen.shardOf("io-2");
    const lost = await page.locator(`.cell[aria-label*=", ${victim},"]`).count();
    const lossesBefore = Number(await seen.fleet("Lost connections"));
    await cluster.admin("POST", `/shards/${victim}/crash`);
    await eventually(async () => Number(await seen.fleet("Lost connections")) === lossesBefore + lost);
    await seen.connected(2 * CLIENTS);
    await selected.getByRole("button", { name: "Disconnect" }).click();
    await eventually(async () => (await seen.fleet("Stopped")) === "1");
    await selected.getByRole("button", { name: "Connect", exact: true }).click();
    await seen.connected(2 * CLIENTS);
    await page.getByRole("button", { name: "Remove all clients" }).click();
    await seen.open("socketio");
    await page.getByTestId("socketio-totals").getByText("0 sockets").waitFor();
  });

  test("[OP9] the panel is read by the keyboard, in both themes and on a narrow page", async () => {
    await seen.open("overview");
    await page.getByLabel("Library").selectOption("Socket.IO");
    await seen.startClients(3, "again");
    await seen.open("socketio");
    await page.getByRole("button", { name: "Rooms of /" }).focus();
    await page.keyboard.press("Enter");
    await page.getByTestId("socketio-look").getByRole("button", { name: "lobby 3 sockets" }).waitFor();
    for (const theme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: theme });
      expect(await seriousFindings(page)).toEqual([]);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await seen.overflow()).toBe(0);
    expect(await seriousFindings(page)).toEqual([]);
  });

  test("[OP4] nothing came from elsewhere, and the page has logged no problem except sockets that were cut", async () => {
    // A browser logs the emits that were refused, too.
    const expected = /^WebSocket connection to|status of 400 .*\/sockets\/api\/emit$/;
    expect(problems.filter((text) => !expected.test(text))).toEqual([]);
    expect(foreign).toEqual([]);
    await page.context().close();
  });
});

test("[OP8] with the reading key an operator looks at rooms, and emits nothing", async () => {
  const { page } = await openPage(browser);
  const seen = new Console(page);
  await seen.enter(cluster.url, READ_KEY);
  await seen.open("socketio");
  const panel = panelOf(page);
  const client = io(cluster.url.href, {
    path: PATH,
    transports: ["websocket"],
    query: { token: (await cluster.admin("POST", "/clients", { users: ["one"] })).body.tokens.one },
  });
  await panel.getByRole("button", { name: "Rooms of /" }).click();
  await page.getByTestId("socketio-look").getByText("1 socket").waitFor();
  const button = panel.getByRole("button", { name: "Emit" });
  expect([await button.isDisabled(), await button.getAttribute("title")]).toEqual([
    true,
    expect.stringContaining("permits no changes"),
  ]);
  client.disconnect();
  await page.context().close();
});
