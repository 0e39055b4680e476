import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, signToken, startCluster, type Cluster } from "../support/cluster.ts";
import { RawClient } from "../support/raw-client.ts";

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({
    cluster: {
      insecure: false,
      anonymous: false,
      development: false,
      allowedOrigins: ["https://app.example"],
      times: { expiredGraceMs: 500 },
    },
    namespaces: {
      DEFAULT: { allow_subscribe_for_client: true },
      chat: {
        presence: true,
        allow_subscribe_for_client: true,
        allow_publish_for_subscriber: true,
        allow_presence_for_subscriber: true,
      },
      own: { allow_user_limited_channels: true },
      closed: {},
    },
  });
});
afterAll(() => cluster?.stop());

async function enter(user: string, claims: object = {}): Promise<RawClient> {
  const client = await RawClient.open(cluster.endpoint(user));
  const { connect } = await client.ask({
    id: 1,
    connect: { token: await signToken({ sub: user, ...claims }) },
  });
  expect(connect.client).toBeTypeOf("string");
  return client;
}

const errorOf = async (client: RawClient, id: number, command: object) =>
  (await client.ask({ id, ...command })).error?.code;

describe("[AU1] a connection has the identity in its token, or is anonymous", () => {
  test("a connection without a token is refused for good, because anonymous access is off", async () => {
    const client = await RawClient.open(cluster.endpoint("nobody"));
    client.send({ id: 1, connect: {} });
    expect(await client.closed).toEqual({ code: 3501, reason: "bad request" });
  });

  test("a token of another secret or without an algorithm, or text that is not a token, ends the connection with 3500", async () => {
    const forged = await signToken({ sub: "eve" }, "some-other-secret-of-32-bytes-or-more");
    const none = `${btoa('{"alg":"none"}')}.${btoa('{"sub":"eve"}')}.`;
    const forSubscription = await signToken({ sub: "eve", channel: "lobby" });
    for (const token of [forged, none, forSubscription, "nonsense", "a.b.c", "x".repeat(20_000)]) {
      const client = await RawClient.open(cluster.endpoint("eve"));
      client.send({ id: 1, connect: { token } });
      expect((await client.closed).code, token.slice(0, 40)).toBe(3500);
    }
  });

  test("the shard answers an expired token with 109, so that the client fetches another", async () => {
    const client = await RawClient.open(cluster.endpoint("old"));
    const reply = await client.ask({
      id: 1,
      connect: { token: await signToken({ sub: "old", exp: inSeconds(-60) }) },
    });
    expect(reply["error"]).toEqual({ code: 109, message: "token expired" });
    client.close();
  });

  test("a connection that does not refresh its token is closed with 3005", async () => {
    // Tokens have whole seconds, so a token of 1 s could expire at once.
    const client = await enter("late", { exp: inSeconds(2) });
    expect((await client.closed).code).toBe(3005);
  });

  test("a refresh with the token of another user ends the connection with 3500", async () => {
    const client = await enter("ann", { exp: inSeconds(60) });
    const renewed = await client.ask({
      id: 2,
      refresh: { token: await signToken({ sub: "ann", exp: inSeconds(120) }) },
    });
    expect(renewed["refresh"]).toMatchObject({ expires: true, ttl: expect.any(Number) });
    client.send({ id: 3, refresh: { token: await signToken({ sub: "bob" }) } });
    expect((await client.closed).code).toBe(3500);
  });
});

describe("[AU2] a subscription token opens the one channel that it names", () => {
  test("its user may subscribe, also where the namespace forbids it", async () => {
    const client = await enter("pat");
    for (const [n, channel] of ["$secret", "closed:room", "$closed:inner"].entries()) {
      const token = await signToken({ sub: "pat", channel, exp: inSeconds(60) });
      expect(await errorOf(client, 10 + n, { subscribe: { channel } })).toBe(103);
      expect(await errorOf(client, 20 + n, { subscribe: { channel, token } })).toBeUndefined();
    }
    client.close();
  });

  test("a subscription token of another user or channel ends the connection", async () => {
    for (const claims of [
      { sub: "other", channel: "$secret" },
      { sub: "pat", channel: "$another" },
      { sub: "pat", channel: "$secret", client: "somebody" },
    ]) {
      const client = await enter("pat");
      client.send({ id: 2, subscribe: { channel: "$secret", token: await signToken(claims) } });
      expect((await client.closed).code).toBe(3500);
    }
  });

  test("a forged token is refused with 103, and an expired token with 109", async () => {
    const client = await enter("pat");
    const forged = await signToken({ sub: "pat", channel: "$s" }, "some-other-secret-of-32-bytes-or-more");
    const expired = await signToken({ sub: "pat", channel: "$s", exp: inSeconds(-5) });
    const past = await signToken({ sub: "pat", channel: "$s", expire_at: inSeconds(-5) });
    expect(await errorOf(client, 2, { subscribe: { channel: "$s", token: forged } })).toBe(103);
    expect(await errorOf(client, 3, { subscribe: { channel: "$s", token: expired } })).toBe(109);
    expect(await errorOf(client, 4, { subscribe: { channel: "$s", token: past } })).toBe(110);
    client.close();
  });

  test("a token that runs out ends its subscription, unless the client refreshes it", async () => {
    const client = await enter("pat");
    const exp = inSeconds(3);
    for (const [n, channel] of ["$kept", "$lost"].entries()) {
      const short = await signToken({ sub: "pat", channel, exp });
      const before = inSeconds(0);
      const reply = await client.ask({ id: 2 + n, subscribe: { channel, token: short } });
      expect(reply["subscribe"]).toMatchObject({ expires: true });
      // A second may have ended in between.
      expect(reply["subscribe"].ttl).toBeLessThanOrEqual(exp - before);
      expect(reply["subscribe"].ttl).toBeGreaterThanOrEqual(exp - inSeconds(0));
    }
    const token = await signToken({ sub: "pat", channel: "$kept", exp: inSeconds(60) });
    expect(await errorOf(client, 9, { sub_refresh: { channel: "$kept", token } })).toBeUndefined();
    const { push } = await client.next();
    expect(push).toEqual({
      channel: "$lost",
      unsubscribe: { code: 2501, reason: "subscription expired" },
    });
    client.close();
  });
});

describe("[AU3] a client may do in a channel what the namespace permits", () => {
  test("a namespace permits subscribing, publishing and presence", async () => {
    const client = await enter("ann");
    expect(await errorOf(client, 2, { subscribe: { channel: "closed:x" } })).toBe(103);
    expect(await errorOf(client, 3, { subscribe: { channel: "nowhere:x" } })).toBe(102);
    expect(await errorOf(client, 4, { publish: { channel: "chat:x", data: 1 } })).toBe(103);
    expect(await errorOf(client, 5, { presence: { channel: "chat:x" } })).toBe(103);
    expect(await errorOf(client, 6, { subscribe: { channel: "chat:x" } })).toBeUndefined();
    expect(await errorOf(client, 7, { publish: { channel: "chat:x", data: 1 } })).toBeUndefined();
    expect(await errorOf(client, 8, { presence: { channel: "chat:x" } })).toBeUndefined();
    expect(await errorOf(client, 9, { subscribe: { channel: "plain" } })).toBeUndefined();
    expect(await errorOf(client, 10, { publish: { channel: "plain", data: 1 } })).toBe(103);
    expect(await errorOf(client, 11, { presence_stats: { channel: "plain" } })).toBe(108);
    client.close();
  });

  test("a user-limited channel takes the users that its name lists", async () => {
    const ann = await enter("ann");
    expect(await errorOf(ann, 2, { subscribe: { channel: "own:dialog#ann,bob" } })).toBeUndefined();
    expect(await errorOf(ann, 3, { subscribe: { channel: "own:dialog#bob" } })).toBe(103);
    ann.close();
  });
});

test("[SE7] the commands of one socket are carried out and answered in order, although the check of a token takes time", async () => {
  const client = await enter("ann");
  const token = await signToken({ sub: "ann", channel: "chat:$x", exp: inSeconds(60) });
  const ids = Array.from({ length: 60 }, (_, n) => n + 10);
  // Each command depends on the one before: only a subscriber may publish, and a second subscribe is an error.
  for (const id of ids) {
    const commands = [
      { subscribe: { channel: "chat:$x", token } },
      { publish: { channel: "chat:$x", data: id } },
      { unsubscribe: { channel: "chat:$x" } },
    ];
    client.send({ id, ...commands[id % 3] });
  }
  await eventually(() => client.lines.some(({ id }) => id === ids.at(-1)));
  const replies = client.lines.filter(({ id }) => id >= 10);
  expect(replies.map(({ id }) => id)).toEqual(ids);
  const wrong = replies.filter(({ id, error }) => id > 12 && error !== undefined);
  expect(wrong).toEqual([]);
  client.close();
});

describe("[AU6] the router checks an upgrade before any shard hears of it", () => {
  const upgrade = (path: string, headers: Record<string, string> = {}) =>
    RawClient.open(new URL(path, cluster.endpoint()).href, { headers }).then(
      (client) => {
        client.close();
        return 101;
      },
      (error: Error) => Number(/\d{3}/.exec(error.message)?.[0]),
    );

  test("a plain GET gets 426, a foreign origin 403 and a bad key 400, each with a JSON body", async () => {
    const plain = await fetch(new URL("/connection/websocket", cluster.url));
    expect(plain.status).toBe(426);
    expect(await plain.json()).toMatchObject({ error: { code: "upgradeRequired" } });

    expect(await upgrade("/connection/websocket", { origin: "https://evil.example" })).toBe(403);
    expect(await upgrade("/connection/websocket", { origin: "https://app.example" })).toBe(101);
    expect(await upgrade("/connection/websocket")).toBe(101);

    for (const key of ["", "x".repeat(257), "%00", "%C3%28", "a%0Ab"]) {
      expect(await upgrade(`/connection/websocket?key=${key}`), key).toBe(400);
    }
    expect(await upgrade(`/connection/websocket?key=${"x".repeat(256)}`)).toBe(101);
    expect(await upgrade("/connection/websocket?format=protobuf")).toBe(400);
  });

  test("the router drops a client's value of its internal header", async () => {
    const route = encodeURIComponent(
      JSON.stringify({ key: "eve", refused: ["auto-1", "auto-2", "auto-3", "auto-4"] }),
    );
    expect(await upgrade("/connection/websocket?key=eve", { "x-ringcast-route": route })).toBe(101);
  });
});
