import { env } from "cloudflare:workers";
import { SignJWT } from "jose";
import { afterEach, describe, expect, test } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { api, changeRing, Client, fetchWorker, keysOf, settled, shard, startOver } from "./client.ts";

afterEach(startOver);

type Watch = { readonly connection: string; readonly tokens: Readonly<Record<string, string>> };

/** The tokens that the reading key gets. */
async function watch(...channels: string[]): Promise<Watch> {
  const response = await fetchWorker(
    new Request("https://ringcast.test/admin/api/live", {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": env.READ_KEY ?? "" },
      body: JSON.stringify({ channels }),
    }),
  );
  return response.json();
}

/** A session of an operator, which is subscribed to these channels. */
async function operator(channels: readonly string[], key = "page"): Promise<Client> {
  const { connection, tokens } = await watch(...channels);
  const client = await Client.open(key);
  expect((await client.ask({ connect: { token: connection } })).error).toBeUndefined();
  for (const channel of channels) {
    const reply = await client.ask({ subscribe: { channel, token: tokens[channel] } });
    expect(reply.error).toBeUndefined();
  }
  return client;
}

describe("[AU8] a session of an operator reads, and does nothing else", () => {
  test("it subscribes, and reads history and presence", async () => {
    const ann = await Client.connect("ann");
    await ann.ask({ subscribe: { channel: "kept:room" } });
    await ann.ask({ publish: { channel: "kept:room", data: 1 } });
    const page = await operator(["kept:room"]);
    expect(await page.ask({ history: { channel: "kept:room", limit: 10 } })).toMatchObject({
      history: { publications: [{ data: 1 }] },
    });
    const { presence } = await page.ask({ presence: { channel: "kept:room" } });
    expect(Object.keys((presence as { presence: object }).presence)).toHaveLength(1);
    await ann.ask({ publish: { channel: "kept:room", data: 2 } });
    await page.next();
    expect(page.heard("kept:room")).toEqual([2]);
  });

  test("it publishes nothing and calls nothing, although every client may here", async () => {
    const page = await operator(["kept:room"]);
    expect((await page.ask({ publish: { channel: "kept:room", data: "x" } })).error?.code).toBe(103);
    expect((await page.ask({ publish: { channel: "other", data: "x" } })).error?.code).toBe(103);
    expect((await page.ask({ rpc: { method: "pay", data: {} } })).error?.code).toBe(103);
    expect(await api("history", { channel: "kept:room", limit: 10 })).toMatchObject({
      result: { publications: [] },
    });
  });

  test("it subscribes with a token of the operator's API alone, and that token opens no other session", async () => {
    const page = await operator([]);
    expect((await page.ask({ subscribe: { channel: "room" } })).error?.code).toBe(103);
    const { tokens } = await watch("room");
    // Its user is empty, like that of the token.
    const visitor = await Client.connect("visitor");
    const reply = await visitor.ask({ subscribe: { channel: "room", token: tokens["room"] } });
    expect(reply.error?.code).toBe(103);
    expect((await visitor.ask({ subscribe: { channel: "room" } })).error).toBeUndefined();
  });

  test("it is no member of a channel, and is not counted", async () => {
    const ann = await Client.connect("ann");
    await ann.ask({ subscribe: { channel: "told:room", join_leave: true } });
    const page = await operator(["told:room", "watched"]);
    const bob = await Client.connect("bob");
    await bob.ask({ subscribe: { channel: "told:room" } });
    // The first join that ann hears after her own is bob's.
    const joins = async (): Promise<unknown[]> => {
      for (;;) {
        const found = ann.lines.flatMap(({ push }) => {
          const join = (push as { join?: { info: { client: string } } } | undefined)?.join;
          return join === undefined ? [] : [join.info.client];
        });
        if (found.length >= 2) return found;
        await ann.next();
      }
    };
    const members = (await api("presence", { channel: "told:room" })).result.presence;
    expect(Object.keys(members)).toHaveLength(2);
    expect((await joins()).toSorted()).toEqual(Object.keys(members).toSorted());
    expect(await page.ask({ presence_stats: { channel: "told:room" } })).toMatchObject({
      presence_stats: { num_clients: 2 },
    });
    expect((await api("presence_stats", { channel: "watched" })).result).toEqual({
      num_clients: 0,
      num_users: 0,
    });
    expect((await api("channels", {})).result.channels).toEqual({ "told:room": { num_clients: 2 } });
    const { nodes } = (await api("info", {})).result;
    const sum = (field: "num_subs" | "num_clients"): number =>
      nodes.reduce((total: number, node: Record<typeof field, number>) => total + node[field], 0);
    expect([sum("num_subs"), sum("num_clients")]).toEqual([2, 2]);
  });

  test("it keeps no shard that drains: the shard has no clients, and the page moves", async () => {
    const [key = ""] = await keysOf("auto-1", 1);
    const page = await operator(["watched"], key);
    expect(await shard("auto-1").status(CONTRACT)).toMatchObject({ sessions: 0, users: 0, subscriptions: 0 });
    await changeRing({ kind: "drain", id: "auto-1" });
    expect(await page.closed).toBe(4001);
    await settled();
  });
});

test("[AU8] a token of the application does not prolong an operator's session", async () => {
  const page = await operator([]);
  const visitor = await new SignJWT({ sub: "" })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(env.TOKEN_HMAC_SECRET));
  page.socket.send(JSON.stringify({ id: 9, refresh: { token: visitor } }));
  expect(await page.closed).toBe(3500);
});
