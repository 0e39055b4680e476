import {
  createExecutionContext,
  createMessageBatch,
  createScheduledController,
  getQueueResult,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  createRingcast,
  type defineChannels,
  ringcast,
  type Answer,
  type Server,
  type Token,
} from "../../src/ringcast.ts";
import { Channel } from "../../src/channel/channel.ts";
import { Client, fetchWorker, startOver, until } from "./client.ts";
import worker, { dead, games, heard, realtime, type Game, type RingcastService } from "./own/worker.ts";

const bound = env as typeof env & {
  readonly PUBLICATIONS: Queue;
  readonly REALTIME: Service<RingcastService>;
  readonly GAME: DurableObjectNamespace<Game>;
};

afterEach(async () => {
  vi.restoreAllMocks();
  dead.length = 0;
  await startOver();
});

/** The same command over HTTP. */
async function overHttp(method: string, params: object): Promise<unknown> {
  const headers = { "x-api-key": env.API_KEY ?? "" };
  const body = JSON.stringify(params);
  const request = new Request(`https://ringcast.test/api/${method}`, { method: "POST", headers, body });
  return (await fetchWorker(request)).json();
}

describe("[PK1] the Worker's own code has the server API", () => {
  test("a publication reaches a client, is kept, and is published once under its key", async () => {
    const client = await Client.connect("ann");
    await client.ask({ subscribe: { channel: "kept:lobby" } });
    const server = ringcast(env);
    const { result } = await server.publish("kept:lobby", { text: "hello" }, { idempotency_key: "one" });
    expect(result).toEqual({ offset: 1, epoch: expect.any(String) });
    expect(await server.publish("kept:lobby", { text: "hello" }, { idempotency_key: "one" })).toEqual({
      result,
    });
    await until(() => client.heard("kept:lobby").length === 1);
    expect(client.heard("kept:lobby")).toEqual([{ text: "hello" }]);
    expect((await server.history("kept:lobby", { limit: -1 })).result?.publications).toMatchObject([
      { data: { text: "hello" }, offset: 1 },
    ]);
    expect((await server.presence("kept:lobby")).result?.presence).toMatchObject({});
    expect((await server.presenceStats("kept:lobby")).result).toEqual({ num_clients: 1, num_users: 1 });
    expect((await server.channels("kept:*")).result?.channels).toEqual({ "kept:lobby": { num_clients: 1 } });
    expect((await server.info()).result?.nodes.length).toBeGreaterThan(0);
    expect(await server.removeHistory("kept:lobby")).toEqual({ result: {} });
  });

  test("publications of one request go to a channel in order and in few calls", async () => {
    const publishAll = vi.spyOn(Channel.prototype, "publishAll");
    const server = ringcast(env);
    const numbers = Array.from({ length: 100 }, (_, n) => n);
    const answers = await Promise.all(numbers.map((n) => server.publish("kept:many", n)));
    expect(answers.map(({ result }) => result?.offset)).toEqual(numbers.map((n) => n + 1));
    expect(publishAll.mock.calls.some(([publications]) => publications.length >= 99)).toBe(true);
  });

  test("orders about a user hold for the user's sessions", async () => {
    const client = await Client.connect("ann");
    const server = ringcast(env);
    await client.ask({ subscribe: { channel: "kept:a" } });
    expect((await server.send(["ann", "bob"], { hi: 1 })).result).toMatchObject({ offline: ["ann", "bob"] });
    expect(await server.subscribe("ann", "kept:b")).toEqual({ result: {} });
    expect(await server.unsubscribe("ann", "kept:b")).toEqual({ result: {} });
    expect(await server.refresh("ann", { expire_at: 0 })).toEqual({ result: {} });
    expect(await server.disconnect("ann", { disconnect: { code: 4500, reason: "bye" } })).toEqual({
      result: {},
    });
    expect((await server.broadcast(["kept:a", "kept:c"], 1)).result?.responses).toMatchObject([
      { result: { offset: 1 } },
      { result: { offset: 1 } },
    ]);
  });

  test("errors are the values that the HTTP API answers with", async () => {
    const server = ringcast(env);
    const wrong: [answer: Promise<unknown>, method: string, params: object][] = [
      [server.publish("nowhere:a", 1), "publish", { channel: "nowhere:a", data: 1 }],
      [server.publish("kept:a\n", 1), "publish", { channel: "kept:a\n", data: 1 }],
      [server.publish("kept:a", undefined), "publish", { channel: "kept:a" }],
      [
        server.publish("kept:a", 1, { idempotencykey: "x" } as object),
        "publish",
        { channel: "kept:a", data: 1, idempotencykey: "x" },
      ],
      [server.history("kept:a", { limit: -2 }), "history", { channel: "kept:a", limit: -2 }],
      [server.history("a", { limit: 1 }), "history", { channel: "a", limit: 1 }],
      [server.send([], 1), "send", { users: [], data: 1 }],
      [
        server.disconnect("ann", { disconnect: { code: 1000 } }),
        "disconnect",
        { user: "ann", disconnect: { code: 1000 } },
      ],
    ];
    for (const [answer, method, params] of wrong) {
      const seen = await answer;
      expect(seen).toMatchObject({ error: { code: expect.any(Number), message: expect.any(String) } });
      expect(seen).toEqual(await overHttp(method, params));
    }
  });

  test("a value that is no JSON is refused, and harms nothing", async () => {
    const server = ringcast(env);
    const circle: unknown[] = [];
    circle.push(circle);
    let deep: unknown = 1;
    for (let n = 0; n < 501; n++) deep = [deep];
    let abyss: unknown = 1;
    for (let n = 0; n < 100_000; n++) abyss = [abyss];
    for (const data of [circle, 1n, () => 1, Symbol("s"), deep, abyss, { toJSON: () => undefined }])
      expect((await server.publish("kept:a", data)).error).toMatchObject({ code: 107 });
    expect((await server.publish("kept:a", "\u2028\ud800")).result).toMatchObject({ offset: 1 });
  });

  test("a cron and another Durable Object publish", async () => {
    await worker.scheduled(createScheduledController(), env);
    expect((await ringcast(env).history("kept:cron", { limit: 1 })).result?.publications).toMatchObject([
      { data: { tick: true } },
    ]);
    expect(await bound.GAME.getByName("a").score(3)).toMatchObject({ result: { offset: 1 } });
  });

  test("[PK5] a Worker without the objects hears which binding is missing", () => {
    const { SHARD: _, ...without } = env;
    expect(() => ringcast(without as Cloudflare.Env)).toThrow(/binding SHARD/);
  });
});

describe("[PK2] another Worker binds the cluster as a service", () => {
  test("the service has each method of the server API, and answers the same", async () => {
    const client = await Client.connect("ann");
    await client.ask({ subscribe: { channel: "kept:service" } });
    using published = await bound.REALTIME.publish("kept:service", { by: "service" });
    expect(published).toMatchObject({ result: { offset: 1 } });
    await until(() => client.heard("kept:service").length === 1);
    using refused = await bound.REALTIME.publish("nowhere:a", 1);
    expect(refused).toEqual(await ringcast(env).publish("nowhere:a", 1));
    const service = bound.REALTIME as unknown as Record<string, (...call: unknown[]) => Promise<object>>;
    const calls: Record<keyof Server, unknown[]> = {
      publish: ["kept:a", 1],
      broadcast: [["kept:a"], 1],
      send: ["ann", 1],
      subscribe: ["ann", "kept:a"],
      unsubscribe: ["ann", "kept:a"],
      disconnect: ["bob"],
      refresh: ["bob"],
      presence: ["kept:a"],
      presenceStats: ["kept:a"],
      history: ["kept:a"],
      removeHistory: ["kept:a"],
      channels: [],
      info: [],
      token: ["ann"],
      subscriptionToken: ["ann", "kept:a"],
    };
    expect(Object.keys(ringcast(env)).toSorted()).toEqual(Object.keys(calls).toSorted());
    for (const [method, call] of Object.entries(calls))
      expect(await service[method]?.(...call), method).toHaveProperty("result");
  });
});

describe("[PK3] a queue's messages are publications", () => {
  test("each message is published once, and what cannot be published comes to the dead-letter queue", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await bound.PUBLICATIONS.sendBatch([
      { body: { channel: "kept:q", data: 1 } },
      { body: { channel: "nowhere:q", data: 2 } },
      { body: "no publication" },
      { body: { channel: "kept:q", data: 3 } },
    ]);
    const kept = async () =>
      (await ringcast(env).history("kept:q", { limit: -1 })).result?.publications ?? [];
    await until(async () => (await kept()).length === 2);
    expect((await kept()).map(({ data }) => data)).toEqual([1, 3]);
    await until(
      () => dead.length === 2,
      () => dead,
    );
    expect(dead).toEqual(expect.arrayContaining(["no publication", { channel: "nowhere:q", data: 2 }]));
    expect((await kept()).length).toBe(2);
  });

  test("a message that comes again publishes nothing, and only what was stored is acknowledged", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const message = (id: string, body: unknown) => ({ id, timestamp: new Date(), attempts: 1, body });
    const consume = async (...messages: ReturnType<typeof message>[]) => {
      const batch = createMessageBatch("publications", messages);
      const retried = batch.messages.map((message) => vi.spyOn(message, "retry"));
      await worker.queue(batch, env);
      const { explicitAcks } = await getQueueResult(batch, createExecutionContext());
      return { explicitAcks, retried: retried.flatMap(({ mock }) => mock.calls) };
    };
    const good = message("a", { channel: "kept:again", data: 1 });
    const failing = message("b", { channel: "kept:failing", data: 1 });
    const { publish } = Channel.prototype;
    const busy = async function (this: Channel, ...call: Parameters<Channel["publish"]>) {
      const { name } = (this as unknown as { ctx: DurableObjectState }).ctx.id;
      if (name === "kept:failing") throw Object.assign(new Error("too much"), { overloaded: true });
      return publish.apply(this, call);
    } as unknown as Channel["publish"];
    vi.spyOn(Channel.prototype, "publish").mockImplementation(busy);
    expect(await consume(good, failing)).toEqual({
      explicitAcks: ["a"],
      retried: [[{ delaySeconds: 5 }]],
    });
    vi.restoreAllMocks();
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const emptyKeys = ["", null, undefined].map((idempotency_key) =>
      message("c", { channel: "kept:again", data: 2, idempotency_key }),
    );
    for (const one of emptyKeys) expect((await consume(one)).explicitAcks).toEqual(["c"]);
    expect(await consume(good, failing)).toEqual({ explicitAcks: ["a", "b"], retried: [] });
    const server = ringcast(env);
    for (const [channel, kept] of [
      ["kept:again", 2],
      ["kept:failing", 1],
    ] as const)
      expect((await server.history(channel, { limit: -1 })).result?.publications.length).toBe(kept);
  });
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

describe("[PK4] tokens", () => {
  test("a token lets its user in, with its claims, and a subscription token opens its channel", async () => {
    const server = ringcast(env);
    const { result } = await server.token("ann", { info: { name: "Ann" }, channels: ["kept:hers"] });
    const client = await Client.open("ann");
    const connected = await client.ask({ connect: { token: result?.token } });
    expect(connected["connect"]).toMatchObject({ expires: true, subs: { "kept:hers": {} } });
    const nowS = Date.now() / 1_000;
    expect(Math.abs((result?.expires_at ?? 0) - nowS - 3_600)).toBeLessThan(60);
    const subscription = await server.subscriptionToken("ann", "$kept:secret");
    const opened = await client.ask({
      subscribe: { channel: "$kept:secret", token: subscription.result?.token },
    });
    expect(opened["subscribe"]).toBeDefined();
    expect((await server.send("ann", 1)).result?.delivered).toBe(1);
  });

  test("claims that the server would refuse are refused when they are signed", async () => {
    const server = ringcast(env);
    const wrong: [Promise<Answer<Token>>, number, RegExp][] = [
      [server.token("ann", { exp: 1 }), 107, /exp: the token has ended/],
      [server.token("a".repeat(256)), 107, /sub/],
      [server.token("ann", { channels: [1] as unknown as string[] }), 107, /channels\.0/],
      [server.subscriptionToken("ann", "nowhere:a"), 102, /unknown channel/],
      [server.subscriptionToken("ann", ""), 107, /channel/],
      [ringcast({ ...env, TOKEN_HMAC_SECRET: "" }).token("ann"), 108, /TOKEN_HMAC_SECRET/],
    ];
    for (const [answer, code, message] of wrong)
      expect((await answer).error).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
