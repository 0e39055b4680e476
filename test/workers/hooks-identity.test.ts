import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { encodeRoute } from "../../src/contracts/route.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import type { ConnectEvent } from "../../src/hooks/hooks.ts";
import { createRingcast } from "../../src/ringcast.ts";
import { Client, startOver } from "./client.ts";
import { forgetHooks, hooks } from "./hooked.ts";
import { boom, silence } from "./failing-hooks.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetHooks();
});

/** The router of the deployment under test, which asks `authenticate`. */
function fetcher() {
  const { handler } = createRingcast({ hooks });
  return async (request: Request) => handler.fetch(request, env, createExecutionContext());
}

describe("[HK3] the identity that authenticate returns is the connection's identity, before the ring", () => {
  const nameOf = (request: Request) => new URL(request.url).searchParams.get("name");

  test("its user identifies and places the connection, like the user of a token", async () => {
    hooks.authenticate = ({ request, env: given }) => {
      expect(given.API_KEY).toBe(env.API_KEY);
      const user = nameOf(request);
      return user === null ? undefined : { user, info: { via: "hook" } };
    };
    const seen: ConnectEvent[] = [];
    hooks.onConnect = (event) => void seen.push(event);
    const connect = fetcher();
    const open = async (query: string) => {
      const request = new Request(`https://ringcast.test/connection/websocket?${query}`, {
        headers: { upgrade: "websocket" },
      });
      const { webSocket } = await connect(request);
      if (webSocket === null) throw new Error("refused");
      const client = new Client(webSocket);
      webSocket.accept();
      await client.ask({ connect: {} });
      return client;
    };
    await open("name=ann");
    await open("key=k");
    expect(seen.map(({ session: { user, key, info } }) => [user, key, info])).toEqual([
      ["ann", "ann", { via: "hook" }],
      ["", "k", undefined],
    ]);
  });

  test("its refusal reaches the client in a form that the client can read", async () => {
    silence();
    hooks.authenticate = ({ request }) => {
      const key = new URL(request.url).searchParams.get("key");
      if (key === "boom") return boom();
      if (key === "banned") return { disconnect: { code: 4510, reason: "banned" } };
      return { error: { code: 430, message: "later", temporary: true } };
    };
    const connect = fetcher();
    const banned = await Client.open("banned", { fetcher: connect });
    banned.socket.send(JSON.stringify({ id: 1, connect: {} }));
    expect(await banned.closed).toBe(4510);
    for (const [key, code] of [
      ["other", 430],
      ["boom", 100],
    ] as const) {
      const client = await Client.open(key, { fetcher: connect });
      expect((await client.ask({ connect: {} })).error).toMatchObject({ code, temporary: true });
    }
  });

  test("[BD93] an answer that is too long for a socket to remember refuses with error 100", async () => {
    silence();
    const long = "x".repeat(20_000);
    hooks.authenticate = ({ request }) =>
      nameOf(request) === null ? { error: { code: 430, message: long } } : { user: "ann", info: long };
    const connect = fetcher();
    for (const query of ["key=ann", "key=ann&name=ann"]) {
      const request = new Request(`https://ringcast.test/connection/websocket?${query}`, {
        headers: { upgrade: "websocket" },
      });
      const { webSocket, status } = await connect(request);
      expect(status).toBe(101);
      const client = new Client(webSocket as WebSocket);
      webSocket?.accept();
      expect((await client.ask({ connect: {} })).error?.code).toBe(100);
    }
  });

  test("[AU9] an identity that has expired already is refused like an expired token", async () => {
    hooks.authenticate = () => ({ user: "ann", expiresAt: Date.now() - 1_000 });
    const client = await Client.open("ann", { fetcher: fetcher() });
    expect((await client.ask({ connect: {} })).error?.code).toBe(109);
  });

  test("a client cannot set the identity through the header of the router", async () => {
    const seen: ConnectEvent[] = [];
    hooks.onConnect = (event) => void seen.push(event);
    const route = {
      contract: CONTRACT,
      key: "eve",
      clientRegion: "auto",
      ringEpoch: 1,
      digest: "",
      refused: [],
    };
    const forged = encodeRoute({ ...route, identity: { kind: "user", user: "admin" } });
    const request = new Request("https://ringcast.test/connection/websocket?key=eve", {
      headers: { upgrade: "websocket", "x-ringcast-route": forged },
    });
    const { webSocket } = await fetcher()(request);
    const client = new Client(webSocket as WebSocket);
    webSocket?.accept();
    await client.ask({ connect: {} });
    expect(seen.map(({ session }) => session.user)).toEqual([""]);
  });
});
