import { env } from "cloudflare:workers";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { SignJWT } from "jose";
import { afterEach, expect, test } from "vitest";
import { api, channelObject, Client, keysOf, startOver, until } from "./client.ts";

afterEach(() => startOver());

const isGivenUp = ({ lines }: Client): boolean =>
  lines.some(({ push }) => (push as Record<string, unknown> | undefined)?.["unsubscribe"] !== undefined);

const tokenOf = (user: string): Promise<string> =>
  new SignJWT({ sub: user })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(env.TOKEN_HMAC_SECRET));

/** Clients of which the first has been told to begin anew, and the last, `user-last`, has not. */
async function whileTold(channel: string, count: number): Promise<readonly [Client, Client]> {
  const clients: Client[] = [];
  for (const [n, key] of (await keysOf("auto-1", count)).entries()) {
    const client = await Client.open(key);
    await client.ask({ connect: { token: await tokenOf(n === count - 1 ? "user-last" : `user-${n}`) } });
    await client.ask({ subscribe: { channel } });
    clients.push(client);
  }
  await api("publish", { channel, data: 1 });
  await until(() => clients.every((client) => client.heard(channel).length === 1));
  // The log goes on without its shards and loses what they have not heard.
  await runInDurableObject(channelObject(channel), (_, { storage }) => {
    storage.sql.exec("UPDATE log SET epoch = 'another'");
  });
  await evictDurableObject(channelObject(channel));
  await api("publish", { channel, data: 2 });
  const [first, next, last] = [clients[0], clients.at(-2), clients.at(-1)] as [Client, Client, Client];
  await until(() => isGivenUp(first));
  expect(isGivenUp(last)).toBe(false);
  return [next, last];
}

const toldOf = ({ lines }: Client): unknown[] =>
  lines.flatMap(({ push }) => (push as Record<string, unknown> | undefined)?.["unsubscribe"] ?? []);

test("[AP5] a client whose turn to begin anew has not come is told that the server has unsubscribed it", async () => {
  const [next, last] = await whileTold("short:x", 250);
  expect(await api("unsubscribe", { user: "user-last", channel: "short:x" })).toEqual({ result: {} });
  await until(() => isGivenUp(next));
  await scheduler.wait(100);
  expect(toldOf(last)).toEqual([{ code: 2000, reason: "server unsubscribe" }]);
});

test("[AP5] a client whose turn to begin anew has not come keeps its own subscription, and learns what it has missed", async () => {
  const [, last] = await whileTold("short:x", 250);
  expect(await api("subscribe", { user: "user-last", channel: "short:x" })).toEqual({ result: {} });
  await until(() => isGivenUp(last));
  expect(toldOf(last)).toMatchObject([{ code: 2500 }]);
});

test("[DL8] a client whose turn to begin anew has not come, and that has begun anew by itself, is not told", async () => {
  const channel = "short:x";
  const [next, last] = await whileTold(channel, 150);
  expect((await last.ask({ unsubscribe: { channel } }))["unsubscribe"]).toEqual({});
  expect((await last.ask({ subscribe: { channel } }))["subscribe"]).toBeDefined();
  await until(() => isGivenUp(next));
  // The turn of the last comes with that of the one before, or 10 ms later.
  await api("publish", { channel, data: 3 });
  await until(() => last.heard(channel).includes(3));
  expect((await last.ask({ subscribe: { channel } })).error?.code).toBe(105);
  expect(isGivenUp(last)).toBe(false);
});
