import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Centrifuge, type Subscription } from "centrifuge";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { launchBrowser, openPage } from "../support/browser.ts";
import { eventually } from "../support/cluster.ts";
import { EXAMPLE_KEY, startExample, type Example } from "../support/example.ts";

let example: Example;
const clients: Centrifuge[] = [];

beforeAll(async () => {
  example = await startExample("chat");
});
afterAll(async () => {
  for (const client of clients) client.disconnect();
  await example.stop();
});

function connect(query: string): Centrifuge {
  const endpoint = new URL(`/connection/websocket${query}`, example.url);
  endpoint.protocol = "ws:";
  const client = new Centrifuge(endpoint.href, { websocket: WebSocket });
  clients.push(client);
  client.connect();
  return client;
}

async function enter(client: Centrifuge): Promise<{ room: Subscription; heard: unknown[] }> {
  const heard: unknown[] = [];
  const room = client.newSubscription("lobby");
  room.on("publication", ({ data, info }) => heard.push([info?.user, data]));
  room.subscribe();
  await room.ready(240_000);
  return { room, heard };
}

test("[HK1] the example compiles against the package's types, and a wrong hook does not", () => {
  const { app, compile } = example;
  expect(compile()).toBe("");
  expect(compile(join(app, "page"))).toBe("");
  const wrong = join(app, "src/wrong.ts");
  const code = `import { createRingcast } from "ringcast";
createRingcast({ hooks: { onPublish: () => ({ dta: 1 }) } });
createRingcast({ hooks: { onRpc: ({ nothing }) => ({ data: nothing }) } });`;
  writeFileSync(wrong, code);
  expect(compile()).toMatch(/wrong\.ts\(2,.*PublishChange[^]*wrong\.ts\(3,.*RpcEvent/);
  rmSync(wrong);
});

test("[CL2] the command of the package shows the cluster of the example", async () => {
  const { app, url } = example;
  const args = ["status", "--url", url.href, "--key", EXAMPLE_KEY, "--json"];
  const { stdout } = await promisify(execFile)(join(app, "node_modules/.bin/ringcast"), args);
  expect(JSON.parse(stdout)).toMatchObject({ ringEpoch: 1, shards: expect.any(Array) });
});

test("[HK1, HK3] the example authenticates stock clients, censors their publications, and answers their rpc", async () => {
  const [ann, bob] = [connect("?name=ann"), connect("?name=bob")];
  const [annRoom, bobRoom] = [await enter(ann), await enter(bob)];
  await annRoom.room.publish("damn, hello");
  await eventually(() => annRoom.heard.length === 1 && bobRoom.heard.length === 1);
  expect(bobRoom.heard).toEqual([["ann", "****, hello"]]);
  await expect(bobRoom.room.publish({ no: "words" })).rejects.toMatchObject({ code: 400 });
  expect((await bob.rpc("whoami", null)).data).toMatchObject({ user: "bob" });
  await expect(bob.rpc("nothing", null)).rejects.toMatchObject({ code: 404 });
  const { clients: present } = await annRoom.room.presence();
  expect(
    Object.values(present)
      .map(({ connInfo }) => connInfo)
      .toSorted((a, b) => a.name.localeCompare(b.name)),
  ).toEqual([{ name: "ann" }, { name: "bob" }]);

  const anonymous = connect("");
  const code = await new Promise((resolve) =>
    anonymous.once("disconnected", (context) => resolve(context.code)),
  );
  expect(code).toBe(3501);
});

test("people talk in the example's page, and the operator's page is beside it", async () => {
  const browser = await launchBrowser();
  try {
    const opened = await Promise.all([openPage(browser), openPage(browser)]);
    for (const [n, { page }] of opened.entries()) {
      await page.goto(example.url.href);
      await page.getByLabel("Your name").fill(["Ann", "Bob"][n] ?? "");
      await page.getByRole("button", { name: "Enter" }).click();
      await page.getByText(/, on auto-/).waitFor();
    }
    const [ann, bob] = opened.map(({ page }) => page);
    await ann?.getByText("Ann, Bob").waitFor();
    await ann?.getByLabel("Message", { exact: true }).fill("what the heck");
    await ann?.getByRole("button", { name: "Send" }).click();
    await bob?.getByText("Ann what the ****").waitFor();
    await bob?.goto(new URL("/console/", example.url).href);
    await bob?.getByLabel("API key").fill(EXAMPLE_KEY);
    await bob?.keyboard.press("Enter");
    await bob?.getByRole("heading", { name: "Shards" }).waitFor();
    // The console's connection is not a user of the chat, and the hooks do not refuse it.
    await bob?.getByText("live", { exact: true }).waitFor();
    for (const { problems, foreign } of opened) expect([...problems, ...foreign]).toEqual([]);
  } finally {
    await browser.close();
  }
});
