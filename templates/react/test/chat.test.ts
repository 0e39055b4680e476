import { startCluster, type TestCluster } from "ringcast/testing";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { channels } from "../src/channels";

/** This Worker in workerd, with empty storage and real sockets. */
let cluster: TestCluster;
beforeAll(async () => {
  // What `npm run build` has built, which is what would be deployed.
  cluster = await startCluster({ basePath: "/realtime", configPath: "dist/ringcast_react/wrangler.json" });
}, 60_000);
afterAll(() => cluster?.stop());

const WAIT = { timeout: 20_000 };

function enter(user: string, room: string) {
  const channel = cluster.client<typeof channels>({ user, key: user }).channel(`chat:${room}`);
  const heard: string[] = [];
  channel.listen(({ text }) => heard.push(text));
  return { channel, heard, joined: vi.waitUntil(() => channel.state.status === "subscribed", WAIT) };
}

test("a message reaches everybody, also who was away when it came", { timeout: 60_000 }, async () => {
  const [ann, bob] = [enter("ann", "lobby"), enter("bob", "lobby")];
  await Promise.all([ann.joined, bob.joined]);
  await ann.channel.publish({ text: "  hello " });
  await vi.waitUntil(() => bob.heard.length === 1, WAIT);

  await cluster.crashShards();
  await cluster.api("publish", { channel: "chat:lobby", data: { text: "meanwhile" } });
  await vi.waitUntil(() => bob.heard.length === 2, WAIT);
  expect(bob.heard).toEqual(["hello", "meanwhile"]);
});

test("the hook refuses an empty message, and the schema another shape", { timeout: 60_000 }, async () => {
  const { channel, joined } = enter("carl", "rules");
  await joined;
  await expect(channel.publish({ text: "   " })).rejects.toMatchObject({ message: "say something" });
  // @ts-expect-error -- the type is wrong
  await expect(channel.publish({ txt: "hi" })).rejects.toMatchObject({ code: 107 });
});

test("a visitor gets a token, and the server takes it", { timeout: 60_000 }, async () => {
  const getToken = async () => {
    const response = await fetch(new URL("/token?name=dora", cluster.url));
    return ((await response.json()) as { token: string }).token;
  };
  const channel = cluster.client<typeof channels>({ getToken }).channel("chat:token");
  channel.listen(() => undefined);
  await vi.waitUntil(() => channel.state.status === "subscribed", WAIT);
  const { clients } = await channel.presence();
  expect(Object.values(clients).map(({ user }) => user)).toEqual(["dora"]);
});

// It waits ten seconds for an object that stays awake, and names it.
test("nothing keeps an object awake, which would cost money all day", { timeout: 120_000 }, async () => {
  await cluster.expectToSleep();
});
