import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { SignJWT, type JWTPayload } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import { decodeRoute, ROUTE_HEADER, type Route } from "../../src/contracts/route.ts";
import { Shard } from "../../src/shard/shard.ts";
import { adopted, Client, fetchWorker, keysOf, shardObject, startOver } from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds;

const sign = (claims: JWTPayload, secret = env.TOKEN_HMAC_SECRET) =>
  new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(secret));

function upgrade(headers: Record<string, string>, key = "ann"): Promise<Response> {
  const address = `https://ringcast.test/connection/websocket?key=${key}`;
  return fetchWorker(new Request(address, { headers: { upgrade: "websocket", ...headers } }));
}

/** A client whose upgrade carried a token. */
async function open(token: string): Promise<Client> {
  const { status, webSocket } = await upgrade({ authorization: `Bearer ${token}` });
  if (webSocket === null) throw new Error(String(status));
  const client = new Client(webSocket);
  webSocket.accept();
  return client;
}

/** The requests that reach a shard from now on. */
function watchShards(): Request[] {
  const requests: Request[] = [];
  const take = Shard.prototype.fetch;
  vi.spyOn(Shard.prototype, "fetch").mockImplementation(function (this: InstanceType<typeof Shard>, request) {
    requests.push(request);
    return take.call(this, request);
  });
  return requests;
}

const routesOf = (requests: readonly Request[]): Route[] =>
  requests.map(({ headers }) => decodeRoute(headers.get(ROUTE_HEADER) ?? "") as Route);

describe("[AU9] a shard hears of an upgrade only what the router has checked", () => {
  test("a token of any size that is not valid leaves no socket behind", async () => {
    const [key = ""] = await keysOf("auto-1", 1);
    await adopted();
    for (const size of [8_193, 16_400, 100_000])
      expect((await upgrade({ authorization: `Bearer ${"x".repeat(size)}` }, key)).status).toBe(400);
    expect((await upgrade({ authorization: "Bearer \u00fc" }, key)).status).toBe(400);
    const { webSocket } = await upgrade({ authorization: `Bearer ${"x".repeat(8_192)}` }, key);
    expect(webSocket).not.toBeNull();
    const states = await runInDurableObject(shardObject("auto-1"), (_, ctx) =>
      ctx.getWebSockets().map((socket) => socket.deserializeAttachment().state),
    );
    expect(states).toEqual(["opening"]);
  });

  test("a valid token as long as may be has room in the attachment", async () => {
    const short = (await sign({ sub: "ann", pad: "" })).length;
    // Base64 makes four characters of three.
    const token = await sign({ sub: "ann", pad: "x".repeat(Math.floor(((8_192 - short) * 3) / 4) - 2) });
    expect(token.length).toBeGreaterThan(8_180);
    const client = await open(token);
    expect((await client.ask({ connect: {} })).error).toBeUndefined();
  });

  test("a token that is not valid is not forwarded, and its client hears why at connect", async () => {
    const requests = watchShards();
    const invalid = await open(await sign({ sub: "eve" }, "another-secret-of-32-bytes-or-more"));
    invalid.socket.send(JSON.stringify({ id: 1, connect: {} }));
    expect(await invalid.closed).toBe(3500);
    for (const past of [{ exp: inSeconds(-60) }, { expire_at: inSeconds(-60) }]) {
      const expired = await open(await sign({ sub: "ann", ...past }));
      expect((await expired.ask({ connect: {} })).error?.code).toBe(109);
    }
    expect(requests).toHaveLength(3);
    for (const { token } of routesOf(requests)) expect(token).toBeUndefined();
  });

  test("[FH2] in development the close says what is wrong with the token", async () => {
    const client = await open("");
    const token = await sign({ sub: "eve" }, "another-secret-of-32-bytes-or-more");
    client.socket.send(JSON.stringify({ id: 1, connect: { token } }));
    expect(await client.closed).toBe(3500);
    expect(client.closeReason).toMatch(/^invalid token: .*signature verification failed/);
  });

  test("a valid token in the first frame takes the place of an expired one in the upgrade", async () => {
    const client = await open(await sign({ sub: "ann", exp: inSeconds(-60) }));
    const reply = await client.ask({ connect: { token: await sign({ sub: "ann" }) } });
    expect(reply.error).toBeUndefined();
    expect(reply).toMatchObject({ connect: { client: expect.any(String) } });
  });

  test("the headers, cookies and extensions of a client do not travel to the shard", async () => {
    const requests = watchShards();
    const token = await sign({ sub: "ann" });
    const response = await upgrade({
      cookie: `session=secret; ringcast_token=${token}`,
      "user-agent": "a browser",
      "x-ringcast-route": "forged",
      "sec-websocket-extensions": "permessage-deflate; client_max_window_bits",
      "sec-websocket-protocol": "mine, centrifuge-json",
    });
    expect(response.status).toBe(101);
    expect(response.headers.get("sec-websocket-protocol")).toBe("centrifuge-json");
    expect(response.headers.has("sec-websocket-extensions")).toBe(false);
    const names = requests.map(({ headers }) => [...headers.keys()].toSorted());
    expect(names).toEqual([["sec-websocket-protocol", "upgrade", ROUTE_HEADER]]);
    expect(routesOf(requests)).toMatchObject([{ key: "ann", token }]);
  });
});

test("[AU12] an address that connects too often gets 429 before any shard hears of it, and another address gets in", async () => {
  const requests = watchShards();
  const from = (address: string) => upgrade({ "cf-connecting-ip": address }, "%00");
  // The limit is that of vitest.config.ts. The loop may see the end of one period.
  const statuses: number[] = [];
  for (let n = 0; n < 25 && !statuses.includes(429); n++)
    for (const { status } of await Promise.all(Array.from({ length: 100 }, () => from("192.0.2.1"))))
      statuses.push(status);
  expect(new Set(statuses)).toEqual(new Set([400, 429]));
  expect((await from("192.0.2.2")).status).toBe(400);
  expect(requests).toEqual([]);
});
