import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createRingcast, type defineChannels, ringcast, type Server } from "../../src/ringcast.ts";
import { Client, fetchWorker, startOver, until } from "./client.ts";
import { games, heard, realtime } from "./own/worker.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

describe("[PK6] two clusters in one Worker", () => {
  const ofGames = (request: Request) =>
    Promise.resolve(games.handler.fetch(request, env, createExecutionContext()));

  test("each has its own objects, settings, keys and clients, and hooks get the whole `env`", async () => {
    const [ann, bob] = [await Client.connect("ann"), await Client.connect("bob", { fetcher: ofGames })];
    await ann.ask({ subscribe: { channel: "kept:both" } });
    await bob.ask({ subscribe: { channel: "kept:both" } });
    expect((await games(env).publish("kept:both", "of games")).result).toMatchObject({ offset: 1 });
    expect((await ringcast(env).publish("kept:both", "usual")).result).toMatchObject({ offset: 1 });
    await until(() => ann.heard("kept:both").length + bob.heard("kept:both").length === 2);
    expect(ann.heard("kept:both")).toEqual(["usual"]);
    expect(bob.heard("kept:both")).toEqual(["of games"]);
    expect(await ringcast(env).publish("game:a", 1)).toMatchObject({ error: { code: 102 } });
    expect(await games(env).publish("heard:a", 1)).toMatchObject({ error: { code: 102 } });
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.every((one) => typeof one === "object" && one !== null && "GAME" in one)).toBe(true);
    await until(async () => (await ringcast(env).history("kept:from-game")).result?.offset === 1);
    const withKey = (key = "") =>
      new Request("https://ringcast.test/api/info", { method: "POST", headers: { "x-api-key": key } });
    expect((await ofGames(withKey(env.API_KEY))).status).toBe(401);
    expect((await ofGames(withKey("the-key-of-the-games"))).status).toBe(200);
    expect((await fetchWorker(withKey("the-key-of-the-games"))).status).toBe(401);
  });
});

test("[PK9] in development an unknown channel names the missing namespace, and in a deployment it does not", async () => {
  const missing = {
    code: 102,
    message: 'unknown channel: no namespace "nowhere"; it would be the variable RINGCAST_NS_nowhere',
  };
  expect((await ringcast(env).publish("nowhere:a", 1)).error).toEqual(missing);
  expect((await ringcast(env).history("nowhere:a")).error).toEqual(missing);
  expect((await ringcast(env).subscribe("ann", "nowhere:a")).error).toEqual(missing);
  const client = await Client.connect("ann");
  expect((await client.ask({ subscribe: { channel: "nowhere:a" } })).error).toEqual(missing);
  expect((await client.ask({ publish: { channel: "nowhere:a", data: 1 } })).error).toEqual(missing);
  const deployed = { ...env, RINGCAST_OVERRIDES: {} };
  expect((await ringcast(deployed).publish("nowhere:a", 1)).error?.message).toBe("unknown channel");
});

describe("[PK7] a cluster is mounted beside an application's own routes", () => {
  const context = createExecutionContext();
  const based = createRingcast({ basePath: "/realtime", socketio: () => undefined });
  const honoApp = new Hono<{ Bindings: Cloudflare.Env }>()
    .get("/", (request) => request.text("the application's page"))
    .route("/live/:room", realtime.routes())
    .route("/games", games.routes())
    .get("/*", (request) => request.text(`the application's ${request.req.path}, ${"GAME" in request.env}`));
  type Answer = Promise<Response | undefined>;
  const plain = (request: Request): Answer => based.routeRequest(request, env, context);
  const hono = async (request: Request): Answer => honoApp.fetch(request, env, context);
  const ways: [name: string, base: string, ask: (request: Request) => Answer][] = [
    ["with routeRequest", "/realtime", plain],
    ["in an application with Hono, under a path with a parameter", "/live/7", hono],
    ["in an application with Hono, beside another cluster", "/games", hono],
  ];

  test.each(ways)("%s clients connect, and the documents have its addresses", async (_, base, ask) => {
    const moved = async (request: Request): Promise<Response> => {
      const { pathname, search } = new URL(request.url);
      const answer = await ask(new Request(`https://own.test${base}${pathname}${search}`, request));
      if (answer === undefined) throw new Error("no answer");
      return answer;
    };
    const client = await Client.connect("ann", { fetcher: moved });
    await client.ask({ subscribe: { channel: "kept:mounted" } });
    const key = base === "/games" ? "the-key-of-the-games" : (env.API_KEY ?? "");
    const headers = { "x-api-key": key };
    const read = async (path: string, init?: RequestInit): Promise<any> =>
      (await moved(new Request(`https://own.test${path}`, init))).json();
    const body = JSON.stringify({ channel: "kept:mounted", data: 1 });
    expect(await read("/api/publish", { method: "POST", headers, body })).toMatchObject({
      result: { offset: 1 },
    });
    await until(() => client.heard("kept:mounted").length === 1);
    expect((await read("/admin/api/cluster", { headers })).shards.length).toBeGreaterThan(0);
    for (const api of ["/api", "/admin/api"])
      expect((await read(`${api}/openapi.json`)).servers).toEqual([{ url: `${base}${api}` }]);
    const page = await (await moved(new Request("https://own.test/api"))).text();
    expect(page).toContain(`href="${base}/api/openapi.json"`);
    expect(page).toContain(`curl $RINGCAST${base}/api/publish`);
    for (const wrong of ["/api/nothing/at/all", "/admin/api/nothing", "/connection/none"])
      expect(await read(wrong, { headers })).toMatchObject({ error: { code: "notFound" } });
  });

  test("each other request stays with the application", async () => {
    for (const path of ["/", "/realtimes", "/api", "/admin/api/cluster", "/realtime/other", "/socket.io/"])
      expect(await plain(new Request(`https://own.test${path}`)), path).toBeUndefined();
    expect(await realtime.routeRequest(new Request("https://own.test/"), env, context)).toBeUndefined();
    expect(await (await hono(new Request("https://own.test/")))?.text()).toBe("the application's page");
    expect(await (await hono(new Request("https://own.test/games/more")))?.text()).toBe(
      "the application's /games/more, true",
    );
    const at = (path: string) => plain(new Request(`https://own.test${path}`));
    expect((await at("/realtime/socket.io/?EIO=4"))?.status).toBe(400);
    expect(await (await at("/realtime/socket.io/api/openapi.json"))?.json()).toMatchObject({
      servers: [{ url: "/realtime/socket.io/api" }],
    });
    expect(await (await at("/realtime"))?.json()).toMatchObject({ api: "/realtime/api" });
  });

  test("a wrong path is refused when the cluster is made, and a wrong setting leaves the application alone", async () => {
    for (const basePath of ["realtime", "/realtime/", "/", "/a?b"])
      expect(() => createRingcast({ basePath })).toThrow(/basePath/);
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const wrong = { ...env, RINCAST: {} };
    expect(await based.routeRequest(new Request("https://own.test/page"), wrong, context)).toBeUndefined();
    const own = await based.routeRequest(new Request("https://own.test/realtime/socket.io/"), wrong, context);
    expect(own?.status).toBe(500);
  });
});

describe("[PK8] pages of other origins call the server API", () => {
  type Init = { readonly method?: string; readonly headers?: Readonly<Record<string, string>> };
  const ask = (origin: string, init: Init = {}, allowedOrigins = ["https://app.test"]) =>
    realtime.handler.fetch(
      new Request("https://own.test/api/info", { ...init, headers: { origin, ...init.headers } }),
      { ...env, RINGCAST_OVERRIDES: { allowedOrigins } },
      createExecutionContext(),
    );
  const key = { "x-api-key": env.API_KEY ?? "" };

  test("an allowed origin is answered before the key is asked for, and hears also of an error", async () => {
    const asked = { "access-control-request-headers": "x-api-key", "access-control-request-method": "POST" };
    const before = await ask("https://app.test", { method: "OPTIONS", headers: asked });
    expect(before.status).toBe(204);
    expect(Object.fromEntries(before.headers)).toMatchObject({
      "access-control-allow-origin": "https://app.test",
      "access-control-allow-headers": "x-api-key",
    });
    for (const [headers, status] of [
      [key, 200],
      [{}, 401],
    ] as const) {
      const answer = await ask("https://app.test", { method: "POST", headers });
      expect(answer.status).toBe(status);
      expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.test");
      expect(answer.headers.get("vary")).toContain("Origin");
    }
  });

  test("any other origin is not", async () => {
    const before = await ask("https://evil.test", { method: "OPTIONS" });
    expect(before.status).toBe(401);
    const answer = await ask("https://evil.test", { method: "POST", headers: key });
    for (const one of [before, answer]) expect(one.headers.has("access-control-allow-origin")).toBe(false);
    const own = await ask("https://own.test", { method: "POST", headers: key });
    expect(own.headers.has("access-control-allow-origin")).toBe(false);
  });
});

describe("[PK10] channels with schemas", () => {
  const good = { by: "ann", to: [{ x: 1 }] };
  const wrong = { by: "ann", to: [{ x: 1 }, { x: "2" }] };
  const refused = { code: 107, message: expect.stringMatching(/^bad request: data\.to\.1\.x: /) };

  test("what does not fit is refused with its path, over HTTP, by own code, in a broadcast and in a queue", async () => {
    const server = games(env);
    expect((await server.publish("typed:moves:a", good)).result).toMatchObject({ offset: 1 });
    // @ts-expect-error -- the type is wrong
    expect((await server.publish("typed:moves:a", wrong)).error).toEqual(refused);
    const broadcasted = await (server as Server).broadcast(["typed:moves:a", "typed:moves:b"], wrong);
    expect(broadcasted.result?.responses.map(({ error }) => error)).toEqual([refused, refused]);
    const request = new Request("https://own.test/api/publish", {
      method: "POST",
      headers: { "x-api-key": "the-key-of-the-games" },
      body: JSON.stringify({ channel: "typed:moves:a", data: wrong }),
    });
    const answer = await games.handler.fetch(request, env, createExecutionContext());
    expect(await answer.json()).toEqual({ error: refused });
    expect((await server.publish("typed:other", wrong)).result).toBeDefined();
    const kept = await server.history("typed:moves:a", { limit: -1 });
    expect(kept.result?.publications.map(({ data }) => data.to)).toEqual([[{ x: 1 }]]);
  });

  test("a client's publication is checked before its hook, and the hook's data after it", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const client = await Client.connect("bob", {
      fetcher: (request) => Promise.resolve(games.handler.fetch(request, env, createExecutionContext())),
    });
    const publish = async (channel: string, data: unknown) =>
      (await client.ask({ publish: { channel, data } })).error;
    expect(await publish("typed:moves:c", wrong)).toEqual(refused);
    expect(await publish("typed:moves:c", good)).toBeUndefined();
    expect(await publish("typed:scores:c", "8")).toEqual({
      code: 107,
      message: "bad request: data: no number",
    });
    // The hook makes a text of it, and the schema throws.
    expect(await publish("typed:scores:c", 7)).toMatchObject({ code: 100, temporary: true });
    expect(await publish("typed:scores:c", 13)).toMatchObject({ code: 100 });
    expect(await publish("typed:scores:c", 8)).toBeUndefined();
    const kept = await games(env).history("typed:scores:c", { limit: -1 });
    expect(kept.result?.publications.map(({ data }) => data)).toEqual([88]);
    expect((await games(env).history("typed:moves:c")).result?.offset).toBe(1);
  });

  test("a schema of no known kind is refused when the cluster is made", () => {
    const channels = { "a:*": {} } as unknown as Parameters<typeof defineChannels>[0];
    expect(() => createRingcast({ channels })).toThrow(/the channels a:\*/);
  });
});
