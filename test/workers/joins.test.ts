import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { SignJWT } from "jose";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LogCalls } from "../../src/shard/subscriptions/log-calls.ts";
import { api, channelObject, Client, keysOf, startOver, until } from "./client.ts";

beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => undefined));
afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

async function keyOf(shard: string): Promise<string> {
  const [key = ""] = await keysOf(shard, 1);
  return key;
}

type Push = Readonly<Record<string, { readonly info?: { readonly user: string } }>>;

/** The joins and leaves of a user that another client has heard. */
const heardOf = (user: string, watcher: Client): string[] =>
  watcher.lines.flatMap(({ push }) =>
    ["join", "leave"].filter((kind) => (push as Push | undefined)?.[kind]?.info?.user === user),
  );

async function connectAs(user: string, shard: string): Promise<Client> {
  const client = await Client.open(await keyOf(shard));
  await client.ask({ connect: { token: await tokenFor(user, []) } });
  return client;
}

const tokenFor = (sub: string, channels: readonly string[]): Promise<string> =>
  new SignJWT({ sub, channels })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(env.TOKEN_HMAC_SECRET));

test("[BD91] a client whose connect fails half way is told as a join and a leave, in this order", async () => {
  const room = "joins:room";
  const watcher = await Client.connect(await keyOf("auto-2"));
  await watcher.ask({ subscribe: { channel: room } });
  const { register } = LogCalls.prototype;
  vi.spyOn(LogCalls.prototype, "register").mockImplementation(function (this: LogCalls, ...args) {
    return args[0] === "joins:silent"
      ? Promise.reject(new Error("the channel does not answer"))
      : register.apply(this, args);
  });
  const client = await Client.open(await keyOf("auto-1"));
  void client
    .ask({ connect: { token: await tokenFor("ann", [room, "joins:silent"]) } })
    .catch(() => undefined);
  expect(await client.closed).toBe(3004);
  await until(() => heardOf("ann", watcher).includes("leave"));
  expect(heardOf("ann", watcher)).toEqual(["join", "leave"]);
});

test("[BD92] a client that has to begin anew has left, unless it comes back", async () => {
  const channel = "heard:room";
  const watcher = await connectAs("ann", "auto-2");
  const back = await connectAs("bob", "auto-1");
  const away = await connectAs("carl", "auto-1");
  const clients = [watcher, back, away];
  for (const client of clients) await client.ask({ subscribe: { channel } });
  await api("publish", { channel, data: 1 });
  await until(() => clients.every((client) => client.heard(channel).length === 1));
  await until(() => heardOf("carl", watcher).length === 1);
  // The log goes on without its shards and loses what they have not heard.
  await runInDurableObject(channelObject(channel), (_, { storage }) => {
    storage.sql.exec("UPDATE log SET epoch = 'another'");
  });
  await evictDurableObject(channelObject(channel));
  await api("publish", { channel, data: 2 });
  const isGivenUp = ({ lines }: Client) => lines.some(({ push }) => "unsubscribe" in (push ?? {}));
  await until(() => clients.every(isGivenUp));
  await watcher.ask({ subscribe: { channel } });
  await back.ask({ subscribe: { channel } });
  await until(() => heardOf("carl", watcher).includes("leave"));
  expect(heardOf("carl", watcher)).toEqual(["join", "leave"]);
  expect(heardOf("bob", watcher)).toEqual(["join"]);
});
