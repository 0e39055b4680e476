import { CentMethods } from "cent.js/dist/cent-methods.enum.js";
import type { Centrifuge } from "centrifuge";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Api } from "../support/api.ts";
import { API_KEY, eventually, READ_KEY, signToken, startCluster, type Cluster } from "../support/cluster.ts";

const UNKNOWN = { code: 102, message: "unknown channel" };
const kept = { history_size: 10, history_ttl: "60s", force_recovery: true };
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
const position = (offset: number) => ({ offset, epoch: expect.stringMatching(/^.+$/) });
const base64 = (text: string) => Buffer.from(text).toString("base64");

let cluster: Cluster;
let api: Api;
beforeAll(async () => {
  cluster = await startCluster({
    cluster: { limits: { apiBodyBytes: 20_000, apiCommands: 20 }, times: { expiredGraceMs: 500 } },
    namespaces: {
      DEFAULT: { presence: true },
      kept: { presence: true, ...kept },
      passing: {},
      chosen: { ...kept, allow_tags_filter: true },
    },
  });
  api = new Api(cluster.url);
});
afterAll(async () => {
  api?.stop();
  await cluster?.stop();
});

type Heard = { channel: string; data: unknown; offset?: number; tags?: object };

/** A connected stock client of a user, with its events. */
class Listener {
  readonly client: Centrifuge;
  readonly heard: Heard[] = [];
  readonly subscribed: { channel: string; data?: unknown }[] = [];
  readonly unsubscribed: string[] = [];
  readonly messages: unknown[] = [];
  /** The closes of its connection, final or not. */
  readonly ended: { code: number; reason: string }[] = [];
  id = "";

  private constructor(client: Centrifuge) {
    this.client = client;
    client.on("connected", (context) => (this.id = context.client));
    client.on("publication", ({ channel, data, offset, tags }) =>
      this.heard.push({
        channel,
        data,
        ...(offset === undefined ? {} : { offset }),
        ...(tags === undefined ? {} : { tags }),
      }),
    );
    client.on("subscribed", ({ channel, data }) => {
      if (channel !== "ringcast:broadcast") this.subscribed.push({ channel, data });
    });
    client.on("unsubscribed", ({ channel }) => this.unsubscribed.push(channel));
    client.on("message", ({ data }) => this.messages.push(data));
    client.on("disconnected", ({ code, reason }) => this.ended.push({ code, reason }));
    client.on("connecting", ({ code, reason }) => code !== 0 && this.ended.push({ code, reason }));
  }

  static async of(user: string, so: { key?: string; info?: object } = {}): Promise<Listener> {
    const info = so.info === undefined ? {} : { info: so.info };
    const token = await signToken({ sub: user, ...info });
    const listener = new Listener(cluster.client(so.key ?? user, { token }));
    listener.client.connect();
    await listener.client.ready(60_000);
    return listener;
  }

  async on(channel: string): Promise<this> {
    const subscription = this.client.newSubscription(channel);
    subscription.on("publication", (context) => this.client.emit("publication", context));
    subscription.on("unsubscribed", (context) => this.client.emit("unsubscribed", context));
    subscription.subscribe();
    await subscription.ready(60_000);
    return this;
  }
}

describe("[AP1] cent.js, unmodified", () => {
  test("publishes with tags, without history, and to a channel that keeps nothing", async () => {
    const cent = api.cent();
    const listener = await (await (await Listener.of("ann")).on("kept:a")).on("passing:a");
    const first = await cent.publish({ channel: "kept:a", data: { n: 1 }, tags: { room: "x" } });
    expect(first).toEqual(position(1));
    expect(await cent.publish({ channel: "kept:a", data: { n: 2 }, skip_history: true })).toEqual({});
    expect(await cent.publish({ channel: "passing:a", data: { n: 3 } })).toEqual({});
    await eventually(() => listener.heard.length === 3);
    const byNumber = listener.heard.toSorted((a, b) => (a.data as any).n - (b.data as any).n);
    expect(byNumber).toEqual([
      { channel: "kept:a", data: { n: 1 }, offset: 1, tags: { room: "x" } },
      { channel: "kept:a", data: { n: 2 } },
      { channel: "passing:a", data: { n: 3 } },
    ]);
    expect(await cent.getHistory({ channel: "kept:a", limit: -1 })).toEqual({
      publications: [{ data: { n: 1 }, offset: 1, tags: { room: "x" } }],
      ...first,
    });
  });

  test("broadcasts, and gets an answer for each channel", async () => {
    const listener = await (await (await Listener.of("ann")).on("kept:b")).on("passing:b");
    const channels = ["kept:b", "nowhere:b", "passing:b"];
    expect(await api.cent().broadcast({ channels, data: { n: 1 } })).toEqual({
      responses: [{ result: position(1) }, { error: UNKNOWN }, { result: {} }],
    });
    await eventually(() => listener.heard.length === 2);
  });

  test("subscribes, unsubscribes, disconnects and refreshes", async () => {
    const cent = api.cent();
    const [one, other] = [await Listener.of("sue", { key: "k1" }), await Listener.of("sue", { key: "k2" })];
    expect(await cent.subscribe({ user: "sue", channel: "kept:s" })).toEqual({});
    await eventually(() => one.subscribed.length === 1 && other.subscribed.length === 1);
    expect(await cent.unsubscribe({ user: "sue", channel: "kept:s", client: one.id })).toEqual({});
    await eventually(() => one.unsubscribed.length === 1);
    await cent.publish({ channel: "kept:s", data: { n: 1 } });
    await eventually(() => other.heard.length === 1);
    expect([one.heard, other.unsubscribed]).toEqual([[], []]);
    expect(await cent.refresh({ user: "sue" })).toEqual({});
    expect(await cent.disconnect({ user: "sue", client: other.id })).toEqual({});
    await eventually(() => other.ended.length === 1);
    expect([one.ended, other.ended]).toEqual([[], [{ code: 3503, reason: "force disconnect" }]]);
    expect(await cent.disconnect({ user: "sue" })).toEqual({});
    await eventually(() => one.ended.length === 1);
    expect([one.client.state, other.client.state]).toEqual(["disconnected", "disconnected"]);
  });

  test("reads presence, history, channels and info", async () => {
    const cent = api.cent();
    const one = await (await Listener.of("pat", { key: "p1", info: { name: "Pat" } })).on("pat-a");
    const other = await (await (await Listener.of("pat", { key: "p2" })).on("pat-a")).on("pat-b");
    expect(await cent.getPresence({ channel: "pat-a" })).toEqual({
      presence: {
        [one.id]: { client: one.id, user: "pat", conn_info: { name: "Pat" } },
        [other.id]: { client: other.id, user: "pat" },
      },
    });
    expect(await cent.getPresence({ channel: "pat-nobody" })).toEqual({ presence: {} });
    expect(await cent.getPresenceStats({ channel: "pat-a" })).toEqual({ num_clients: 2, num_users: 1 });
    expect(await cent.getChannels({ pattern: "pat-*" })).toEqual({
      channels: { "pat-a": { num_clients: 2 }, "pat-b": { num_clients: 1 } },
    });
    expect(await cent.getChannels({ pattern: "pat-?" })).toEqual(
      await cent.getChannels({ pattern: "pat-*" }),
    );
    expect(await cent.getChannels({ pattern: "none-*" })).toEqual({ channels: {} });
    const all: string[] = Object.keys((await cent.getChannels()).channels);
    expect(all).toEqual(expect.arrayContaining(["pat-a", "pat-b"]));
    const { nodes } = await cent.getInfo();
    const whole = expect.any(Number);
    expect(nodes.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual(
      [1, 2, 3, 4].map((n) => ({
        uid: `auto/auto-${n}`,
        name: `auto-${n}`,
        version: expect.any(String),
        num_clients: whole,
        num_users: whole,
        num_subs: whole,
        num_channels: whole,
        uptime: whole,
      })),
    );
    const { shards } = (await cluster.admin("GET", "/cluster")).body;
    expect(nodes.reduce((sum, node) => sum + node.num_clients, 0)).toBe(
      shards.reduce((sum: number, { sessions }: any) => sum + sessions, 0),
    );
  });

  test("reads history from either end, and drops it", async () => {
    const cent = api.cent();
    const channel = "kept:h";
    for (const n of [1, 2, 3, 4]) await cent.publish({ channel, data: { n } });
    const at = async (query: object) =>
      (await cent.getHistory({ channel, ...query })).publications.map(({ offset }) => offset);
    const { publications, offset, epoch } = await cent.getHistory({ channel });
    expect({ publications, offset }).toEqual({ publications: [], offset: 4 });
    expect(await at({ limit: -1 })).toEqual([1, 2, 3, 4]);
    expect(await at({ limit: 2 })).toEqual([1, 2]);
    expect(await at({ limit: 2, since: { offset: 2, epoch } })).toEqual([3, 4]);
    expect(await at({ limit: 2, reverse: true })).toEqual([4, 3]);
    expect(await at({ limit: -1, reverse: true, since: { offset: 3, epoch } })).toEqual([2, 1]);
    expect(await cent.removeHistory({ channel })).toEqual({});
    expect(await cent.getHistory({ channel, limit: -1 })).toEqual({ publications: [], offset: 4, epoch });
    expect(await cent.publish({ channel, data: { n: 5 } })).toEqual({ offset: 5, epoch });
    expect(await at({ limit: -1 })).toEqual([5]);
  });

  test("sends many commands in one request of the older form", async () => {
    const results = await api.cent().pipeline([
      { method: CentMethods.Publish, params: { channel: "kept:p", data: { n: 1 } } },
      { method: CentMethods.Publish, params: { channel: "kept:p", data: { n: 2 } } },
    ]);
    expect(results).toEqual([position(1), position(2)]);
  });

  test("rejects when the server answers with an error", async () => {
    // The library makes this text of an error that is an object.
    await expect(api.cent().publish({ channel: "nowhere:a", data: {} })).rejects.toThrow("[object Object]");
    await expect(api.cent("wrong").getInfo()).rejects.toThrow("JSON");
  });
});

describe("[AP1] the envelope is Centrifugo's", () => {
  const error = (code: number, message: string) => ({ error: { code, message } });

  test("a wrong request gets 200 and the code of its kind", async () => {
    for (const [method, params, answer] of [
      ["nothing", {}, error(104, "method not found: nothing")],
      ["rpc", { method: "any", params: {} }, error(104, "method not found")],
      ["publish", { channel: "nowhere:a", data: 1 }, error(102, "unknown channel")],
      ["history", { channel: "nowhere:a" }, error(102, "unknown channel")],
      ["subscribe", { channel: "nowhere:a", user: "u" }, error(102, "unknown channel")],
      ["history", { channel: "passing:a" }, error(108, "not available")],
      ["history_remove", { channel: "passing:a" }, error(108, "not available")],
      ["presence", { channel: "passing:a" }, error(108, "not available")],
      ["presence_stats", { channel: "passing:a" }, error(108, "not available")],
      [
        "history",
        { channel: "kept:a", since: { offset: 1, epoch: "x" } },
        error(112, "unrecoverable position"),
      ],
    ] as const) {
      const response = await api.post(`/${method}`, JSON.stringify(params), { "x-api-key": API_KEY });
      expect([response.status, await response.json()], method).toEqual([200, answer]);
    }
    for (const [method, params, field] of [
      ["publish", { channel: "kept:a" }, "data"],
      ["publish", { data: 1 }, "channel"],
      ["publish", { channel: "", data: 1 }, "channel"],
      ["publish", { channel: "kept:a", b64data: "?" }, "b64data"],
      ["publish", { channel: "kept:a", b64data: base64("not json") }, "b64data"],
      ["broadcast", { channels: [], data: 1 }, "channels"],
      ["broadcast", { channels: Array.from({ length: 21 }, () => "a"), data: 1 }, "20"],
      ["send", { data: 1 }, "user"],
      ["subscribe", { user: "u" }, "channel"],
      ["disconnect", {}, "user"],
      ["disconnect", { user: "u", disconnect: { code: 2000, reason: "" } }, "code"],
      ["disconnect", { user: "u", disconnect: { code: 4000, reason: '{"code":1}' } }, "JSON"],
      ["history", { channel: "kept:a", limit: "1" }, "limit"],
      ["batch", { commands: [] }, "commands"],
    ] as const) {
      const { error: refused } = await api.call(method, params);
      expect(refused, method).toMatchObject({ code: 107 });
      expect(refused.message).toContain(field);
    }
  });

  test("in the transport error mode the status is that of the code", async () => {
    const mode = { "x-api-key": API_KEY, "x-centrifugo-error-mode": "transport" };
    for (const [method, params, status, code] of [
      ["nothing", {}, 404, 104],
      ["publish", { channel: "nowhere:a", data: 1 }, 404, 102],
      ["publish", { channel: "kept:a" }, 400, 107],
      ["presence", { channel: "passing:a" }, 400, 108],
      ["history", { channel: "kept:a", since: { offset: 1, epoch: "x" } }, 416, 112],
    ] as const) {
      const response = await api.post(`/${method}`, JSON.stringify(params), mode);
      const body = await response.json();
      expect([response.status, body], method).toEqual([status, { code, message: expect.any(String) }]);
    }
    expect(await api.call("publish", { channel: "passing:a", data: 1 }, mode)).toEqual({ result: {} });
  });

  test("a null field counts as absent, except in published data", async () => {
    const channel = "kept:null";
    const order = { channel, data: null, tags: null, idempotency_key: null, version: null, b64data: null };
    expect(await api.call("publish", order)).toEqual({ result: position(1) });
    const query = { channel, limit: -1, since: null, reverse: null };
    expect((await api.call("history", query)).result.publications).toEqual([{ offset: 1, data: null }]);
    const since = { offset: null, epoch: null };
    expect((await api.call("history", { ...query, since })).result.publications).toHaveLength(1);
    expect(await api.call("publish", { channel: null, data: 1 })).toMatchObject({ error: { code: 107 } });
  });

  test("a body that is not JSON gets 400 as text, in both forms", async () => {
    for (const path of ["/publish", "", "/batch"]) {
      const response = await api.post(path, "{not json", { "x-api-key": API_KEY });
      expect([response.status, response.headers.get("content-type")]).toEqual([
        400,
        "text/plain; charset=UTF-8",
      ]);
      expect(await response.text()).not.toBe("");
    }
  });

  test("a batch runs its commands in turn or in parallel, and answers without `result`", async () => {
    const commands = [
      { publish: { channel: "kept:batch", data: 1 } },
      { history: { channel: "kept:batch", limit: 1 } },
      { nothing: {} },
      { publish: { channel: "nowhere:a", data: 1 } },
      { batch: { commands: [] } },
    ];
    expect(await api.call("batch", { commands })).toEqual({
      replies: [
        { publish: position(1) },
        { history: { publications: [{ data: 1, offset: 1 }], ...position(1) } },
        error(104, "method not found: nothing"),
        { error: UNKNOWN },
        { error: { code: 107, message: expect.any(String) } },
      ],
    });
    const many = Array.from({ length: 20 }, (_, n) => ({ publish: { channel: `kept:many-${n}`, data: n } }));
    expect(await api.call("batch", { commands: many, parallel: true })).toEqual({
      replies: many.map(() => ({ publish: position(1) })),
    });
    expect((await api.call("batch", { commands: [...many, ...many] })).error).toMatchObject({ code: 107 });
  });

  test("the older form takes methods by name and by number, and `publish` is the default", async () => {
    const lines = [
      { method: 0, params: { channel: "kept:old", data: 1 } },
      { params: { channel: "kept:old", data: 2 } },
      { method: 1, params: { channels: ["kept:old"], data: 3 } },
      { method: 2, params: { user: "nobody", channel: "kept:old" } },
      { method: 3, params: { user: "nobody" } },
      { method: 4, params: { channel: "kept:old" } },
      { method: 5, params: { channel: "kept:old" } },
      { method: 6, params: { channel: "kept:old", limit: 1 } },
      { method: 7, params: { channel: "kept:old" } },
      { method: 8, params: { pattern: "none-*" } },
      { method: 9 },
      { method: 10, params: { method: "any" } },
      { method: 11, params: { user: "nobody", channel: "kept:old" } },
      { method: 12, params: { user: "nobody" } },
      { method: "history", params: { channel: "kept:old" } },
      { method: 13 },
    ];
    const text = lines.map((line) => JSON.stringify(line)).join("\n");
    const response = await api.post("", `${text}\n`, { authorization: `apikey ${API_KEY}` });
    const answers = (await response.text()).split("\n").map((line): unknown => JSON.parse(line));
    expect(answers).toEqual([
      { result: position(1) },
      { result: position(2) },
      { result: { responses: [{ result: position(3) }] } },
      { result: {} },
      { result: {} },
      { result: { presence: {} } },
      { result: { num_clients: 0, num_users: 0 } },
      { result: { publications: [{ data: 1, offset: 1 }], ...position(3) } },
      { result: {} },
      { result: { channels: {} } },
      { result: { nodes: expect.any(Array) } },
      error(104, "method not found"),
      { result: {} },
      { result: {} },
      { result: { publications: [], ...position(3) } },
      error(104, "method not found: 13"),
    ]);
  });
});

describe("[AP2] a request without a valid key gets an empty 401", () => {
  test("the key comes in either header or in the query, and a wrong key gets an empty 401", async () => {
    const lower = `apikey ${API_KEY}`;
    for (const [path, headers, status] of [
      ["/info", { "x-api-key": API_KEY }, 200],
      ["/info", { authorization: lower }, 200],
      ["/info", { authorization: `ApiKey ${API_KEY}` }, 200],
      ["/info", { "x-api-key": "", authorization: lower }, 200],
      [`/info?api_key=${API_KEY}`, {}, 200],
      ["/info", {}, 401],
      ["/info", { "x-api-key": "wrong" }, 401],
      ["/info", { authorization: "apikey wrong" }, 401],
      ["/info", { authorization: API_KEY }, 401],
      ["/info?api_key=wrong", {}, 401],
      [`/info?api_key=${API_KEY}`, { "x-api-key": "wrong" }, 401],
      ["/nothing", {}, 401],
      ["", {}, 401],
    ] as [string, Record<string, string>, number][]) {
      const response = await api.post(path, "{}", headers);
      const text = await response.text();
      expect(response.status, `${path} ${JSON.stringify(headers)}`).toBe(status);
      if (status === 401) expect(text).toBe("");
    }
  });

  test("the reading key reads and changes nothing, in a batch and the older form too", async () => {
    const read = { "x-api-key": READ_KEY };
    const refused = { error: { code: 108, message: "not available: this API key may only read" } };
    const channel = "kept:read";
    const writes: [string, object][] = [
      ["publish", { channel, data: 1 }],
      ["broadcast", { channels: [channel], data: 1 }],
      ["send", { user: "u", data: 1 }],
      ["subscribe", { user: "u", channel }],
      ["unsubscribe", { user: "u", channel }],
      ["disconnect", { user: "u" }],
      ["refresh", { user: "u" }],
      ["history_remove", { channel }],
      ["rpc", { method: "any" }],
    ];
    for (const [method, params] of writes) expect(await api.call(method, params, read)).toEqual(refused);
    const commands = writes.map(([method, params]) => ({ [method]: params }));
    expect(await api.call("batch", { commands }, read)).toEqual({ replies: writes.map(() => refused) });
    const lines = writes.map(([method, params]) => JSON.stringify({ method, params })).join("\n");
    const old = await (await api.post("", lines, read)).text();
    expect(old.split("\n").map((line): unknown => JSON.parse(line))).toEqual(writes.map(() => refused));
    for (const method of ["presence", "presence_stats", "history"])
      expect(await api.call(method, { channel }, read)).toHaveProperty("result");
    for (const method of ["channels", "info"])
      expect(await api.call(method, {}, read)).toHaveProperty("result");
    expect((await api.call("history", { channel }, read)).result.offset).toBe(0);
  });
});

describe("[AP3] a key of a back end publishes once", () => {
  test("a repeated key is answered with the first result, and another channel has its own keys", async () => {
    const listener = await (await (await Listener.of("ann")).on("kept:once")).on("passing:once");
    const order = { channel: "kept:once", data: 1, idempotency_key: "k" };
    const first = await api.call("publish", order);
    expect(first).toEqual({ result: position(1) });
    for (let n = 0; n < 3; n++) expect(await api.call("publish", { ...order, data: n })).toEqual(first);
    const again = { channels: ["kept:once", "kept:twice"], data: 2, idempotency_key: "k" };
    expect(await api.call("broadcast", again)).toEqual({
      result: { responses: [first, { result: position(1) }] },
    });
    const passing = { channel: "kept:once", data: 3, idempotency_key: "p", skip_history: true };
    for (let n = 0; n < 2; n++) expect(await api.call("publish", passing)).toEqual({ result: {} });
    await api.call("publish", { channel: "kept:once", data: "last" });
    await eventually(() => listener.heard.at(-1)?.data === "last");
    expect(listener.heard.map(({ data }) => data)).toEqual([1, 3, "last"]);
  });

  test("b64data is data by another name", async () => {
    const data = { text: "grüße", n: [1, null] };
    await api.call("publish", { channel: "kept:b64", b64data: base64(JSON.stringify(data)) });
    const { result } = await api.call("history", { channel: "kept:b64", limit: 1 });
    expect(result.publications).toEqual([{ data, offset: 1 }]);
  });

  test("an older version is not published, and a publication without a version epoch takes that of the channel", async () => {
    const publish = async (version: number, epoch?: string) => {
      const named = epoch === undefined ? {} : { version_epoch: epoch };
      const { result } = await api.call("publish", { channel: "kept:v", data: version, version, ...named });
      return result.offset;
    };
    expect(await publish(5, "a")).toBe(1);
    expect(await publish(5, "a")).toBe(1);
    expect(await publish(4)).toBe(1);
    expect(await publish(6)).toBe(2);
    expect(await publish(1, "b")).toBe(3);
    expect(await publish(0)).toBe(4);
    expect(await publish(1, "b")).toBe(4);
    const listener = await (await Listener.of("vera")).on("kept:v");
    const passing = {
      channel: "kept:v",
      data: "passing",
      version: 1,
      version_epoch: "b",
      skip_history: true,
    };
    expect(await api.call("publish", passing)).toEqual({ result: {} });
    await eventually(() => listener.heard.length === 1);
  });
});

describe("[AP4] a request over the limits is refused as a whole", () => {
  test("a large body gets 413 and too many commands get 400, and no command is carried out", async () => {
    const large = JSON.stringify({ channel: "kept:large", data: "x".repeat(20_000) });
    const response = await api.post("/publish", large, { "x-api-key": API_KEY });
    expect([response.status, await response.json()]).toEqual([
      413,
      { error: { code: "tooLarge", message: "a request has at most 20000 bytes" } },
    ]);
    const line = JSON.stringify({ method: "publish", params: { channel: "kept:large", data: 1 } });
    const lines = await api.post("", Array.from({ length: 21 }, () => line).join("\n"), {
      "x-api-key": API_KEY,
    });
    expect([lines.status, await lines.text()]).toEqual([400, "at most 20 commands at once"]);
    expect((await api.call("history", { channel: "kept:large" })).result.offset).toBe(0);
  });
});

describe("[AP5] an order about a user holds for every session of the user", () => {
  /** Two sessions of one user: one on the owner of the user's name, and one on another shard. */
  async function both(user: string): Promise<[Listener, Listener]> {
    const ownerOf = async (key: string) => (await cluster.admin("GET", `/explain?key=${key}`)).body.owner;
    const home = await ownerOf(user);
    let key = "";
    for (let n = 0; key === ""; n++) if ((await ownerOf(`${user}-${n}`)) !== home) key = `${user}-${n}`;
    const sessions: [Listener, Listener] = [await Listener.of(user), await Listener.of(user, { key })];
    const { body } = await cluster.admin("GET", `/users/${user}/sessions`);
    expect(new Set(body.sessions.map(({ shard }: any) => shard)).size).toBe(2);
    return sessions;
  }

  test("a message in mode `auto` and a `disconnect` reach both sessions; mode `ring` reaches the one on the owner", async () => {
    const sessions = await both("two");
    const bystander = await Listener.of("three");
    const { result } = await api.call("send", { user: "two", data: { hello: 1 } });
    expect(result).toMatchObject({ mode: "fanout", delivered: 2, offline: [], calls: 5 });
    expect(result.shards).toHaveLength(4);
    await eventually(() => sessions.every(({ messages }) => messages.length === 1));
    expect(sessions.map(({ messages }) => messages)).toEqual([[{ hello: 1 }], [{ hello: 1 }]]);
    const ring = (await api.call("send", { users: ["two", "nobody"], data: 2, mode: "ring" })).result;
    expect(ring).toMatchObject({ mode: "ring", delivered: 1, offline: ["nobody"] });
    const disconnect = { code: 4500, reason: "bye" };
    expect(await api.call("disconnect", { user: "two", disconnect })).toEqual({ result: {} });
    await eventually(() => sessions.every(({ ended }) => ended.length === 1));
    expect(sessions.map(({ ended }) => ended)).toEqual([[disconnect], [disconnect]]);
    expect([bystander.messages, bystander.ended]).toEqual([[], []]);
  });

  test("a user may have any name", async () => {
    const proto = await Listener.of("__proto__");
    const { result } = await api.call("send", { users: ["__proto__", "nobody"], data: 1 });
    expect(result).toMatchObject({ delivered: 1, offline: ["nobody"] });
    await eventually(() => proto.messages.length === 1);
  });

  test("a disconnect leaves the clients of its whitelist; a disconnect that names one client leaves all others", async () => {
    const [one, other] = await both("white");
    await api.call("disconnect", { user: "white", whitelist: [one.id] });
    await eventually(() => other.ended.length === 1);
    const third = await Listener.of("white", { key: "third" });
    await api.call("disconnect", { user: "white", client: third.id });
    await eventually(() => third.ended.length === 1);
    expect(one.ended).toEqual([]);
    expect(await api.call("disconnect", { user: "nobody", client: one.id })).toEqual({ result: {} });
    const { result } = await api.call("send", { user: "white", data: "still here" });
    expect(result.delivered).toBe(1);
    await eventually(() => one.messages.length === 1);
  });

  test("`subscribe` gives data, shows info, and sends the publications after a position", async () => {
    const [one, other] = await both("subs");
    const channel = "kept:subs";
    const { result } = await api.call("publish", { channel, data: 1 });
    for (const data of [2, 3]) await api.call("publish", { channel, data });
    const params = { user: "subs", channel, data: { welcome: true }, info: { role: "x" } };
    expect(await api.call("subscribe", { ...params, recover_since: result })).toEqual({ result: {} });
    for (const { client, subscribed, heard, id } of [one, other]) {
      await eventually(() => heard.length === 2);
      expect(client.state).toBe("connected");
      expect(subscribed).toEqual([{ channel, data: { welcome: true } }]);
      expect(heard.map(({ data, offset }) => [data, offset])).toEqual([
        [2, 2],
        [3, 3],
      ]);
      const { presence } = (await api.call("presence", { channel })).result;
      expect(presence[id]).toEqual({ client: id, user: "subs", chan_info: { role: "x" } });
    }
    await api.call("publish", { channel, data: 4 });
    await eventually(() => one.heard.at(-1)?.data === 4 && other.heard.at(-1)?.data === 4);
    // A repeated subscribe has no effect.
    await api.call("subscribe", params);
    await api.call("unsubscribe", { user: "subs", channel });
    await eventually(() => one.unsubscribed.length === 1 && other.unsubscribed.length === 1);
    await eventually(
      async () => Object.keys((await api.call("presence", { channel })).result.presence).length === 0,
    );
    expect(one.subscribed.length + other.subscribed.length).toBe(2);
  });

  test("`unsubscribe` also ends a client's own subscription, and the client does not subscribe again", async () => {
    const listener = await (await Listener.of("own")).on("kept:own");
    await api.call("unsubscribe", { user: "own", channel: "kept:own" });
    await eventually(() => listener.unsubscribed.length === 1);
    expect(listener.client.getSubscription("kept:own")?.state).toBe("unsubscribed");
  });

  test("a subscription ends at `expire_at`", async () => {
    const listener = await Listener.of("brief");
    await api.call("subscribe", { user: "brief", channel: "kept:brief", expire_at: inSeconds(1) });
    await eventually(() => listener.ended.length === 1);
    expect(listener.ended[0]).toEqual({ code: 3006, reason: "subscription expired" });
  });

  test("`refresh` sets the time at which a connection expires, or expires it at once", async () => {
    const [one, other] = await both("fresh");
    await api.call("refresh", { user: "fresh", client: one.id, expire_at: inSeconds(1) });
    await api.call("refresh", { user: "fresh", client: other.id, expire_at: inSeconds(600) });
    await eventually(() => one.ended.length === 1);
    expect(one.ended[0]).toEqual({ code: 3005, reason: "connection expired" });
    expect(other.ended).toEqual([]);
    await api.call("refresh", { user: "fresh", client: other.id, expired: true });
    await eventually(() => other.ended.length === 1);
    expect(other.ended[0]).toEqual({ code: 3005, reason: "connection expired" });
  });
});

describe("[AP7] a subscriber may filter by tags", () => {
  const cheap = {
    op: "and",
    nodes: [
      { key: "kind", cmp: "eq", val: "offer" },
      { op: "not", nodes: [{ key: "price", cmp: "gte", val: "10.5" }] },
    ],
  } as const;

  test("it hears the publications that pass, live and after a resume, and its position goes on", async () => {
    const channel = "chosen:a";
    const publish = (n: number, price: string) =>
      api.call("publish", { channel, data: n, tags: { kind: n % 2 === 0 ? "offer" : "news", price } });
    const { client } = await Listener.of("chooser");
    const subscription = client.newSubscription(channel, { tagsFilter: cheap as any });
    const heard: unknown[] = [];
    const recovered: boolean[] = [];
    subscription.on("publication", ({ data }) => heard.push(data));
    subscription.on("subscribed", (context) => recovered.push(context.recovered));
    subscription.subscribe();
    await subscription.ready(60_000);
    for (const [n, price] of [
      [1, "1"],
      [2, "10.49"],
      [3, "1"],
      [4, "10.50"],
      [6, "9"],
    ] as const)
      await publish(n, price);
    await eventually(() => heard.length === 2);
    client.disconnect();
    for (const [n, price] of [
      [8, "11"],
      [10, "-3"],
      [11, "1"],
    ] as const)
      await publish(n, price);
    client.connect();
    await client.ready(60_000);
    await publish(12, "0.5");
    await eventually(() => heard.at(-1) === 12);
    expect(heard).toEqual([2, 6, 10, 12]);
    expect(recovered).toEqual([false, true]);
  });

  test("an invalid filter, or a filter that the namespace does not allow, is refused with 107", async () => {
    const { client } = await Listener.of("refused");
    for (const [channel, tagsFilter] of [
      ["kept:filter", cheap],
      ["chosen:b", { key: "a", cmp: "like", val: "b" }],
      ["chosen:c", { op: "not", nodes: [] }],
    ] as const) {
      const subscription = client.newSubscription(channel, { tagsFilter: tagsFilter as any });
      const codes: number[] = [];
      subscription.on("error", ({ error }) => codes.push(error.code));
      subscription.on("unsubscribed", ({ code }) => codes.push(code));
      subscription.subscribe();
      await eventually(() => codes.length > 0);
      expect(codes, channel).toEqual([107]);
    }
  });
});

describe("[AP6] the document describes the API exactly", () => {
  test("every answer of these tests fits its schema, and the tests call every method", async () => {
    const schemas = await api.schemas();
    const answered = api.seen.filter(({ method }) => schemas.has(method));
    for (const { method, body } of answered) {
      const checked = schemas.get(method)?.safeParse(body);
      expect(checked?.error, `${method}: ${JSON.stringify(body)}`).toBeUndefined();
    }
    const good = answered.filter(({ body }) => !("error" in (body as object))).map(({ method }) => method);
    // The deployment has no `onRpc`, so `rpc` has no good answer.
    expect([...new Set(good), "rpc"].toSorted()).toEqual([...schemas.keys()].toSorted());
    // The schemas reject wrong answers, so the check above shows something.
    expect(schemas.get("history")?.safeParse({ result: { publications: [], offset: 1 } }).success).toBe(
      false,
    );
    expect(schemas.get("publish")?.safeParse({ result: { other: 1 } }).success).toBe(false);
  });

  test("the document names every status and its meaning", async () => {
    const document = (await (await fetch(new URL("/api/openapi.json", api.url))).json()) as any;
    const { responses } = document.paths["/publish"].post;
    expect(Object.keys(responses)).toEqual(["200", "400", "401", "404", "409", "413", "416", "429", "500"]);
    expect(responses["416"].description).toContain("112 unrecoverable position");
  });

  test("GET /api is a page for people: it has every method, and no script", async () => {
    const response = await fetch(api.url);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/html/);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    const page = await response.text();
    for (const name of (await api.schemas()).keys()) expect(page).toContain(`<section id="${name}">`);
    expect(page).not.toMatch(/<script|javascript:|\son[a-z]+=/i);
  });
});
