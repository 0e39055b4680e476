import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ConnectEvent, Hooks, PublishEvent, RpcEvent } from "../../src/hooks/hooks.ts";
import { Channel } from "../../src/channel/channel.ts";
import { createRingcast } from "../../src/ringcast.ts";
import { encodeRoute } from "../../src/contracts/route.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { api, Client, fetchWorker, Gate, keysOf, nameOf, startOver, until } from "./client.ts";
import { forgetHooks, hooks } from "./hooked.ts";

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

const silence = () => vi.spyOn(console, "error").mockImplementation(() => undefined);
/** The log lines that name a hook. */
const ofHooks = (logged: ReturnType<typeof silence>) =>
  logged.mock.calls.filter(([line]) => typeof line === "object" && line !== null && "hook" in line);
const never = () => new Promise<never>(() => undefined);
/** The value of the deployment under test (vitest.config.ts). */
const HOOK_TIMEOUT_MS = 300;
/** Timers of this length fire only when the gate is open. */
function holdTimers(lengthMs: number): Gate {
  const gate = new Gate();
  const set = globalThis.setTimeout;
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((act: () => void, ms?: number) =>
    set(ms === lengthMs ? () => void gate.pass().then(act) : act, ms)) as typeof setTimeout);
  return gate;
}
const boom = () => {
  throw new Error("boom");
};

describe("[HK1] a hook lets an operation pass, changes it, or refuses it", () => {
  test("a connect gets data, channels and info", async () => {
    const seen: ConnectEvent[] = [];
    hooks.onConnect = (event) => {
      seen.push(event);
      return { data: { hello: "ann" }, channels: ["news"], info: { name: "Ann" } };
    };
    const [key] = await keysOf("auto-2", 1);
    const client = await Client.open(key ?? "");
    const reply = await client.ask({ connect: { data: { from: "test" }, name: "js", version: "1" } });
    expect(reply["connect"]).toMatchObject({ data: { hello: "ann" }, subs: { news: {} } });
    expect(seen).toMatchObject([
      {
        shard: { id: "auto-2", region: "auto" },
        session: { user: "", key },
        data: { from: "test" },
        name: "js",
        version: "1",
      },
    ]);
    expect(seen[0]?.env.API_KEY).toBe(env.API_KEY);
    expect(seen[0]?.session.client).toBe((reply["connect"] as { client: string }).client);
    const { presence } = (await client.ask({ presence: { channel: "news" } }))["presence"] as {
      presence: Record<string, object>;
    };
    expect(Object.values(presence)).toMatchObject([{ conn_info: { name: "Ann" } }]);
  });

  test("a connect is refused with an error, or with a close", async () => {
    hooks.onConnect = ({ data }) =>
      data === "later"
        ? { error: { code: 420, message: "not now", temporary: true } }
        : { disconnect: { code: 4500, reason: "banned" } };
    const late = await Client.open("late");
    expect((await late.ask({ connect: { data: "later" } })).error).toEqual({
      code: 420,
      message: "not now",
      temporary: true,
    });
    const banned = await Client.open("banned");
    banned.socket.send(JSON.stringify({ id: 1, connect: {} }));
    expect(await banned.closed).toBe(4500);
  });

  test("a subscribe gets info and data, and a permission that the namespace does not grant", async () => {
    hooks.onSubscribe = ({ channel, data }) => {
      if (channel === "secret") return { error: { code: 403, message: "no" } };
      if (channel === "fatal") return { disconnect: { code: 4501, reason: "never" } };
      return data === "allow" ? { allow: true, info: { seat: 4 }, data: ["welcome"] } : null;
    };
    const client = await Client.connect("ann");
    const ask = (channel: string, data?: string) => client.ask({ subscribe: { channel, data } });
    expect((await ask("room"))["subscribe"]).toEqual({});
    expect((await ask("secret")).error).toEqual({ code: 403, message: "no" });
    expect((await ask("closed:room")).error?.code).toBe(103);
    expect((await ask("closed:room", "allow"))["subscribe"]).toEqual({ data: ["welcome"] });
    // A hook cannot open a namespace that is not configured, or the cluster's own channels.
    expect((await ask("unknown:room", "allow")).error?.code).toBe(102);
    expect((await ask("ringcast:broadcast", "allow")).error?.code).toBe(105);
    expect((await ask("ringcast:other", "allow")).error?.code).toBe(103);
    client.socket.send(JSON.stringify({ id: 99, subscribe: { channel: "fatal" } }));
    expect(await client.closed).toBe(4501);
  });

  test("[CE4] a publish hook sees the value, and only one that returns data rewrites the text", async () => {
    const seen: unknown[] = [];
    hooks.onPublish = ({ data }) => {
      seen.push(data);
      return data === 2 ? { data: 3.5 } : { tags: { checked: "yes" } };
    };
    const client = await Client.connect("ann");
    const frames: string[] = [];
    client.socket.addEventListener("message", (event) => {
      frames.push(String(event.data));
    });
    await client.ask({ subscribe: { channel: "room" } });
    for (const [n, data] of ["1.0", "2.0", '{"a":1,"a":1.50}'].entries())
      client.socket.send(`{"id":${n + 50},"publish":{"channel":"room","data":${data}}}`);
    await until(() => client.heard("room").length === 3);
    expect(seen).toEqual([1, 2, { a: 1.5 }]);
    const sent = frames.join("\n");
    for (const text of ['{"data":1.0,', '{"data":3.5,', '{"data":{"a":1,"a":1.50},'])
      expect(sent).toContain(text);
  });

  test("a publish gets data and tags, and a permission that the namespace does not grant", async () => {
    const seen: PublishEvent[] = [];
    hooks.onSubscribe = () => ({ allow: true, info: "seat 4" });
    hooks.onPublish = (event) => {
      seen.push(event);
      if (event.data === "spam") return { error: { code: 451, message: "spam" } };
      if (event.data === "out") return { disconnect: { code: 4502, reason: "out" } };
      return event.data === "pass" ? undefined : { allow: true, data: "****", tags: { mood: "bad" } };
    };
    const client = await Client.connect("ann");
    await client.ask({ subscribe: { channel: "closed:room" } });
    const publish = (data: string) => client.ask({ publish: { channel: "closed:room", data } });
    expect((await publish("damn"))["publish"]).toEqual({});
    expect((await publish("spam")).error).toEqual({ code: 451, message: "spam" });
    expect((await publish("pass")).error?.code).toBe(103);
    await until(() => client.heard("closed:room").length === 1);
    expect(client.lines.find(({ push }) => push?.pub)?.push?.pub).toMatchObject({
      data: "****",
      tags: { mood: "bad" },
      info: { chan_info: "seat 4" },
    });
    expect(seen.map(({ channel, data }) => [channel, data])).toEqual([
      ["closed:room", "damn"],
      ["closed:room", "spam"],
      ["closed:room", "pass"],
    ]);
    client.socket.send(JSON.stringify({ id: 99, publish: { channel: "closed:room", data: "out" } }));
    expect(await client.closed).toBe(4502);
  });

  test("a publish is dropped if its session ended while the hook was at work", async () => {
    const slow = { thinks: false, decided: false, gate: new Gate() };
    hooks.onPublish = async ({ data }) => {
      if (data === "quick") return;
      slow.thinks = true;
      await slow.gate.pass();
      slow.decided = true;
    };
    // Both clients are on one shard, which would publish the slow publication before the quick one.
    const [annKey = "", bobKey = ""] = await keysOf("auto-1", 2);
    const [ann, bob] = [await Client.connect(annKey), await Client.connect(bobKey)];
    const bobSees = async () => {
      const stats = (await bob.ask({ presence_stats: { channel: "room" } }))["presence_stats"];
      return (stats as { num_clients: number }).num_clients;
    };
    for (const client of [ann, bob]) await client.ask({ subscribe: { channel: "room" } });
    ann.socket.send(JSON.stringify({ id: 70, publish: { channel: "room", data: "slow" } }));
    await until(() => slow.thinks);
    ann.socket.close();
    await until(async () => (await bobSees()) === 1);
    slow.gate.open();
    await until(() => slow.decided);
    await bob.ask({ publish: { channel: "room", data: "quick" } });
    await until(() => bob.heard("room").length > 0);
    expect(bob.heard("room")).toEqual(["quick"]);
  });

  test("the hook answers an rpc, and the shard answers 108 if there is no such hook", async () => {
    const client = await Client.connect("ann");
    expect((await client.ask({ rpc: { method: "add", data: [1, 2] } })).error?.code).toBe(108);
    hooks.onRpc = ({ method, data }: RpcEvent) => {
      if (method === "add") return { data: (data as number[]).reduce((sum, one) => sum + one, 0) };
      return { error: { code: 404, message: "no such method" } };
    };
    expect((await client.ask({ rpc: { method: "add", data: [1, 2] } }))["rpc"]).toEqual({ data: 3 });
    expect((await client.ask({ rpc: {} })).error).toEqual({ code: 404, message: "no such method" });
  });
});

test("[HK1, OP4] the hooks do not hear of the operator's page, and its simulated clients are users like others", async () => {
  const asked: string[] = [];
  hooks.onConnect = ({ session }) => {
    asked.push(session.user);
    return { disconnect: { code: 4500, reason: "no" } };
  };
  const admin = async (path: string, body: object): Promise<any> => {
    const headers = { "x-api-key": env.API_KEY ?? "", "content-type": "application/json" };
    const request = { method: "POST", headers, body: JSON.stringify(body) };
    return (await fetchWorker(new Request(`https://ringcast.test/admin/api${path}`, request))).json();
  };
  const { connection } = await admin("/live", { channels: ["ringcast:live"] });
  const page = await Client.open("page");
  expect((await page.ask({ connect: { token: connection } }))["connect"]).toBeDefined();
  const { tokens } = await admin("/clients", { users: ["sim-1"] });
  const simulated = await Client.open("sim-1");
  simulated.socket.send(JSON.stringify({ id: 1, connect: { token: tokens["sim-1"] } }));
  expect(await simulated.closed).toBe(4500);
  expect(asked).toEqual(["sim-1"]);
});

describe("[HK2] a hook that fails refuses only its own operation", () => {
  const failures: Record<string, () => never | Promise<never>> = {
    "throws at once": boom,
    rejects: async () => boom(),
    "never ends": never,
  };
  for (const [how, fail] of Object.entries(failures)) {
    test(`a hook that ${how} refuses its operation`, async () => {
      const logged = silence();
      const temporary = { code: 100, message: "internal server error", temporary: true };
      const listener = await Client.connect("bob");
      await listener.ask({ subscribe: { channel: "room" } });
      const client = await Client.connect("ann");
      hooks.onSubscribe = fail;
      hooks.onPublish = fail;
      hooks.onRpc = fail;
      const commands = [
        { subscribe: { channel: "room" } },
        { publish: { channel: "room", data: 1 } },
        { rpc: {} },
        { presence: { channel: "room" } },
      ];
      for (const [n, command] of commands.entries())
        client.socket.send(JSON.stringify({ id: n + 10, ...command }));
      await until(() => client.lines.some(({ id }) => id === 13));
      // The answers come in order, one for each command.
      const replies = client.lines.filter(({ id }) => (id ?? 0) >= 10);
      expect(replies.map(({ id, error }) => [id, error])).toEqual([
        [10, temporary],
        [11, temporary],
        [12, temporary],
        [13, { code: 103, message: "permission denied" }],
      ]);
      forgetHooks();
      expect((await client.ask({ subscribe: { channel: "room" } }))["subscribe"]).toEqual({});
      expect((await client.ask({ publish: { channel: "room", data: 2 } }))["publish"]).toEqual({});
      await until(() => listener.heard("room").length === 1 && client.heard("room").length === 1);
      expect(listener.heard("room")).toEqual([2]);

      hooks.onConnect = fail;
      const refused = await Client.open("eve");
      expect((await refused.ask({ connect: {} })).error).toEqual(temporary);
      expect(ofHooks(logged).length).toBeGreaterThanOrEqual(4);
    });
  }

  test("an answer that is not allowed refuses the operation", async () => {
    const logged = silence();
    const client = await Client.connect("ann");
    const wrong = [
      { error: { code: 1, message: "too low" } },
      { disconnect: { code: 1000, reason: "no code of ours" } },
      { disconnect: { code: 4500, reason: '{"reconnect":true}' } },
      { dta: 1 },
      "yes",
    ];
    for (const answer of wrong) {
      hooks.onRpc = () => answer as unknown as ReturnType<NonNullable<Hooks["onRpc"]>>;
      expect((await client.ask({ rpc: {} })).error?.code).toBe(100);
    }
    expect(client.closeCode).toBeUndefined();
    expect(ofHooks(logged)).toHaveLength(wrong.length);
  });

  test("an answer that JSON cannot hold refuses the operation", async () => {
    const logged = silence();
    const client = await Client.connect("ann");
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const wrong = [1n, circle, () => "a function", { deep: [2n] }];
    for (const data of wrong) {
      hooks.onRpc = () => ({ data });
      expect((await client.ask({ rpc: {} })).error?.code).toBe(100);
    }
    hooks.onRpc = () => ({ data: { at: new Date(0) } });
    expect((await client.ask({ rpc: {} })).rpc).toEqual({ data: { at: "1970-01-01T00:00:00.000Z" } });
    expect(ofHooks(logged)).toHaveLength(wrong.length);
  });

  test("a slow hook for one client does not delay other clients", async () => {
    silence();
    const patience = holdTimers(HOOK_TIMEOUT_MS);
    const [slowKey, fastKey] = await keysOf("auto-1", 2);
    const slow = await Client.connect(slowKey ?? "");
    const fast = await Client.connect(fastKey ?? "");
    hooks.onRpc = ({ data }) => (data === "slow" ? never() : { data });
    let slowDone = false;
    const waiting = slow.ask({ rpc: { data: "slow" } }).then((line) => {
      slowDone = true;
      return line;
    });
    for (let n = 0; n < 20; n++) expect((await fast.ask({ rpc: { data: n } }))["rpc"]).toEqual({ data: n });
    expect(slowDone).toBe(false);
    patience.open();
    expect((await waiting).error?.code).toBe(100);
  });
});

describe("[BD23] the frames that wait behind a slow hook are bounded", () => {
  /** The values of the deployment under test (vitest.config.ts). The frame that is at work counts. */
  const WAITING = { frames: 64, bytes: 65_536 };
  const rpc = (id: number, units = 0) => JSON.stringify({ id, rpc: { data: "x".repeat(units) } });

  /** A client whose connect is in work until the gate opens. */
  async function connecting() {
    const gate = new Gate();
    holdTimers(HOOK_TIMEOUT_MS);
    let asked = false;
    hooks.onConnect = async () => {
      asked = true;
      await gate.pass();
    };
    hooks.onRpc = () => ({ data: "done" });
    const client = await Client.open("ann");
    client.socket.send(JSON.stringify({ id: 1, connect: {} }));
    await until(() => asked);
    return { client, gate };
  }

  const bounds = {
    number: { count: WAITING.frames - 1, units: 0 },
    // With its command each frame is a little larger than its data.
    bytes: { count: 7, units: WAITING.bytes / 8 },
  };
  for (const [bound, { count, units }] of Object.entries(bounds)) {
    test(`as many frames as may wait are carried out after the connect, in order (${bound})`, async () => {
      const { client, gate } = await connecting();
      for (let n = 0; n < count; n++) client.socket.send(rpc(n + 2, units));
      gate.open();
      await until(() => client.lines.filter(({ rpc: done }) => done !== undefined).length === count);
      const ids = client.lines.flatMap(({ id }) => (id === undefined ? [] : [id]));
      expect(ids).toEqual(Array.from({ length: count + 1 }, (_, n) => n + 1));
      expect(client.closeCode).toBeUndefined();
    });

    test(`a client with one more is closed with 3013 while the hook is still at work (${bound})`, async () => {
      const { client, gate } = await connecting();
      for (let n = 0; n <= count; n++) client.socket.send(rpc(n + 2, units));
      expect(await client.closed).toBe(3013);
      expect(client.lines).toEqual([]);
      gate.open();
    });
  }
});

describe("[BD29] what a client is to hear after its connect is bounded", () => {
  /** Of a whole publication, a little more than a quarter of `limits.queuedBytes`. */
  const DATA = "x".repeat(300_000);

  /** A client whose connect waits for one of its channels, while another one of them has begun. */
  async function connecting() {
    const gate = new Gate();
    const original = Channel.prototype.register;
    const registered: string[] = [];
    vi.spyOn(Channel.prototype, "register").mockImplementation(async function (
      this: InstanceType<typeof Channel>,
      ...args: Parameters<typeof original>
    ) {
      const answer = original.apply(this, args);
      registered.push(nameOf(this));
      if (nameOf(this) === "late") await gate.pass();
      return answer;
    } as unknown as typeof original);
    hooks.onConnect = () => ({ channels: ["news", "late"] });
    const client = await Client.open("ann");
    client.socket.send(JSON.stringify({ id: 1, connect: {} }));
    await until(() => registered.includes("news") && registered.includes("late"));
    const publish = (n: number) => api("publish", { channel: "news", data: [n, DATA] });
    return { client, gate, publish };
  }

  test("a client that would be sent more than it may leave unread is closed with 3008", async () => {
    const { client, gate, publish } = await connecting();
    for (let n = 0; n < 5; n++) await publish(n);
    expect(await client.closed).toBe(3008);
    expect(client.lines).toEqual([]);
    gate.open();
  });

  test("less than that is sent after the answer, in order", async () => {
    const { client, gate, publish } = await connecting();
    for (let n = 0; n < 3; n++) await publish(n);
    expect(client.lines).toEqual([]);
    gate.open();
    await until(() => client.heard("news").length === 3);
    expect(client.lines[0]).toMatchObject({ id: 1, connect: { subs: { news: {}, late: {} } } });
    expect(client.heard("news").map((data) => (data as [number, string])[0])).toEqual([0, 1, 2]);
  });
});

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
