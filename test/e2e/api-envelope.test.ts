import { describe, expect, test } from "vitest";
import { api, checkAnswers, position, useApiCluster } from "../support/api-cluster.ts";
import { API_KEY, READ_KEY } from "../support/cluster.ts";

useApiCluster();

const UNKNOWN = {
  code: 102,
  message: 'unknown channel: no namespace "nowhere"; it would be the variable RINGCAST_NS_nowhere',
};
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("[AP1] the envelope is Centrifugo's", () => {
  const error = (code: number, message: string) => ({ error: { code, message } });

  test("a wrong request gets 200 and the code of its kind", async () => {
    for (const [method, params, answer] of [
      ["nothing", {}, error(104, "method not found: nothing")],
      ["rpc", { method: "any", params: {} }, error(104, "method not found")],
      ["publish", { channel: "nowhere:a", data: 1 }, { error: UNKNOWN }],
      ["history", { channel: "nowhere:a" }, { error: UNKNOWN }],
      ["subscribe", { channel: "nowhere:a", user: "u" }, { error: UNKNOWN }],
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

  test("a body that is not JSON gets 400 with a reason, in both forms, and another method 405", async () => {
    for (const path of ["/publish", "", "/batch"]) {
      const response = await api.post(path, "{not json", { "x-api-key": API_KEY });
      expect([response.status, await response.json()]).toMatchObject([
        400,
        { error: { code: "badRequest", message: expect.stringContaining("JSON") } },
      ]);
    }
    const { url } = await api.post("/publish", "{}");
    for (const method of ["GET", "PUT", "DELETE"]) {
      const response = await fetch(url, { method });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
      expect(await response.json()).toMatchObject({ error: { code: "methodNotAllowed" } });
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

describe("[AP2] a request without a valid key gets 401", () => {
  test("the key comes in either header or in the query, and without a valid one 401 says why", async () => {
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
      if (status === 401) expect(JSON.parse(text)).toMatchObject({ error: { message: expect.any(String) } });
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
    expect([lines.status, await lines.json()]).toMatchObject([
      400,
      { error: { message: "at most 20 commands at once" } },
    ]);
    expect((await api.call("history", { channel: "kept:large" })).result.offset).toBe(0);
  });
});

test("[AP6] every answer of these tests fits its schema", async () => {
  expect((await checkAnswers()).size).toBeGreaterThan(0);
});
