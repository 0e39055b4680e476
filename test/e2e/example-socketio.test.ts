import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, openPage, seriousFindings } from "../support/browser.ts";
import { eventually } from "../support/cluster.ts";
import { EXAMPLE_KEY, startExample, type Example } from "../support/example.ts";

let example: Example;
let browser: Browser;
beforeAll(async () => {
  [example, browser] = await Promise.all([startExample("socketio-chat"), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await example.stop();
});

test("[SO60] the Socket.IO chat compiles against the package's types", () => {
  expect(example.compile()).toBe("");
  expect(example.compile(join(example.app, "page"))).toBe("");
});

/** A person who has entered a room. */
async function enter(name: string, room: string) {
  const opened = await openPage(browser);
  const { page } = opened;
  await page.goto(example.url.href);
  await page.getByLabel("Nickname").fill(name);
  await page.getByLabel("Room").fill(room);
  await page.getByRole("button", { name: "Enter" }).click();
  await page.getByText(`${name} in ${room}`).waitFor();
  return opened;
}

/** One shard joins the ring, and those that were there leave it. */
async function replaceShards(): Promise<void> {
  const call = async (method: string, path: string, body?: object): Promise<any> => {
    const response = await fetch(new URL(`/admin/api${path}`, example.url), {
      method,
      headers: { "x-api-key": EXAMPLE_KEY, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(response.status).toBeLessThan(300);
    return response.json();
  };
  const { shards } = await call("GET", "/cluster");
  await call("POST", "/shards", { count: 1 });
  for (const { id } of shards) await call("POST", `/shards/${id}/drain`, {});
  await eventually(async () => (await call("GET", "/cluster")).shards.length === 1);
}

const lines = (page: Page): Promise<string[]> =>
  page.getByLabel("Messages").getByRole("listitem").allTextContents();

test("[SO60] people in Chromium join a room, talk, see who types, come back and leave", async () => {
  const ann = await enter("Ann", "tea");
  await ann.page.getByText("there's 1 participant").waitFor();
  const bob = await enter("Bob", "tea");
  const eve = await enter("Eve", "coffee");
  await ann.page.getByText("Bob joined").waitFor();
  await ann.page.getByText("there are 2 participants").waitFor();
  expect(await lines(bob.page)).toEqual(["Welcome to Socket.IO Chat", "there are 2 participants"]);

  const typing = ann.page.getByText("Bob is typing");
  const field = bob.page.getByLabel("Message", { exact: true });
  await field.pressSequentially("<b>hello", { delay: 20 });
  await typing.waitFor();
  await field.press("Enter");
  await ann.page.getByText("Bob <b>hello").waitFor();
  await typing.waitFor({ state: "detached" });

  // A browser complains about a connection that its server ends, as a move does.
  for (const { problems, foreign } of [ann, bob, eve]) expect([problems, foreign]).toEqual([[], []]);
  // Each of the shards is replaced: the page comes back by itself, and enters its room again.
  await replaceShards();
  const back = async ({ page }: { page: Page }) => {
    await page.getByText("Welcome to Socket.IO Chat").nth(1).waitFor();
    await page.getByText(" in tea").waitFor();
  };
  await back(ann);
  await ann.page.getByLabel("Message", { exact: true }).fill("well?");
  await ann.page.keyboard.press("Enter");
  // Either may be on the way to another shard still. Ann's page sends it until the room has it, and Bob hears it once.
  await back(bob);
  await bob.page.getByText("Ann well?").waitFor();
  await eventually(async () => (await ann.page.locator(".unsent").count()) === 0);
  expect((await lines(bob.page)).filter((line) => line === "Ann well?")).toHaveLength(1);

  await bob.page.close();
  const end = "Bob left, there's 1 participant";
  await eventually(async () => (await lines(ann.page)).slice(-2).join(", ") === end);
  expect(await lines(eve.page)).not.toContainEqual(expect.stringMatching(/Ann|Bob/));
  expect(await seriousFindings(ann.page)).toEqual([]);
  for (const { foreign } of [ann, bob, eve]) expect(foreign).toEqual([]);
});
