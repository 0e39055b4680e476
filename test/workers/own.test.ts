import {
  createExecutionContext,
  createMessageBatch,
  createScheduledController,
  getQueueResult,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ringcast, type Answer, type Server, type Token } from "../../src/ringcast.ts";
import { Channel } from "../../src/channel/channel.ts";
import { Client, fetchWorker, startOver, until } from "./client.ts";
import worker, { dead, games, type Game, type RingcastService } from "./own/worker.ts";

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

  test("what sessions would keep or send and is no JSON is refused, and taken as JSON has it", async () => {
    const server = ringcast(env);
    const ann = await Client.open("ann");
    const { result } = await server.token("ann");
    await ann.ask({ connect: { token: result?.token } });
    await ann.ask({ subscribe: { channel: "kept:a" } });
    let deep: unknown = 1;
    for (let n = 0; n < 501; n++) deep = [deep];
    for (const value of [1n, { id: 1n }, () => 1, deep]) {
      const answers = [
        server.subscribe("ann", "kept:b", { info: value }),
        server.subscribe("ann", "kept:b", { data: value }),
        server.refresh("ann", { info: value }),
        server.token("ann", { info: value }),
        server.subscriptionToken("ann", "kept:b", { info: value }),
      ];
      for (const answer of answers) expect((await answer).error).toMatchObject({ code: 107 });
    }
    class Person {
      readonly name = "Ann";
    }
    expect(await server.refresh("ann", { info: new Person() })).toEqual({ result: {} });
    const { presence = {} } = (await server.presence("kept:a")).result ?? {};
    expect(Object.values(presence)).toMatchObject([{ user: "ann", conn_info: { name: "Ann" } }]);
  });

  test("a broadcast that is too much for one request is refused as a whole", async () => {
    const server = ringcast(env);
    const channels = Array.from({ length: 500 }, (_, n) => `kept:of-many-${n}`);
    const data = "x".repeat(40_000);
    expect((await server.broadcast(channels, data)).error?.message).toMatch(/at most 419 channels at once/);
    const { responses = [] } = (await server.broadcast(channels.slice(0, 419), data)).result ?? {};
    expect(responses.filter(({ result }) => result?.offset === 1)).toHaveLength(419);
  });

  test("[AP1] of an older request that has a wrong line no command is run", async () => {
    const command = JSON.stringify({ method: "publish", params: { channel: "kept:lines", data: 1 } });
    const headers = { "x-api-key": env.API_KEY ?? "" };
    const init = { method: "POST", headers, body: `${command}\n${command}}` };
    expect((await fetchWorker(new Request("https://ringcast.test/api", init))).status).toBe(400);
    expect((await ringcast(env).history("kept:lines", { limit: -1 })).result?.offset).toBe(0);
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
    expect(() => ringcast(without as Cloudflare.Env)).toThrow(/binding SHARD:/);
    // The second cluster has its own names.
    const { GAME_CHANNEL: _channel, ...ungamed } = { GAME_CHANNEL: undefined, ...env };
    expect(() => games(ungamed as Cloudflare.Env)).toThrow(/binding GAME_CHANNEL:/);
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
      [server.token("ann", { expire_at: 1 }), 107, /expire_at: the time has passed/],
      [server.token("ann", { channels: ["nowhere:a"] }), 102, /unknown channel/],
      [server.token("ann", { subs: { "kept:a\n": {} } }), 107, /channel's name/],
      [
        server.token("ann", { channels: Array.from({ length: 129 }, (_, n) => `kept:${n}`) }),
        107,
        /at most 128/,
      ],
      [server.token("ann", { info: "x".repeat(16_384) }), 107, /at most 16384 characters/],
      [server.subscriptionToken("ann", "nowhere:a"), 102, /unknown channel/],
      [server.subscriptionToken("ann", ""), 107, /channel/],
      [ringcast({ ...env, TOKEN_HMAC_SECRET: "" }).token("ann"), 108, /TOKEN_HMAC_SECRET/],
    ];
    for (const [answer, code, message] of wrong)
      expect((await answer).error).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
