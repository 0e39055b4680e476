import { env } from "cloudflare:workers";
import { createExecutionContext } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { createRingcast } from "../../src/ringcast.ts";
import { startOver } from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

/** Sends a request to a deployment that has another value of a variable. */
async function ask(path: string, variables: object, headers: Record<string, string> = {}): Promise<unknown> {
  const { handler } = createRingcast();
  const wrong = { ...env, ...variables };
  const method = path.includes("/api/info") || path.includes("/api/history") ? "POST" : "GET";
  const url = new URL(path, "https://ringcast.test");
  const request = new Request(url, { method, headers });
  const response = await handler.fetch(request, wrong, createExecutionContext());
  return { status: response.status, body: await response.json() };
}

test("[OP11] a wrong setting is told to a key, and to nobody else", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const slip = { RINCAST: {}, RINGCAST_OVERRIDES: {} };
  const exact = {
    status: 500,
    body: { error: { code: "badConfiguration", message: expect.stringContaining("RINCAST: ") } },
  };
  const generic = {
    status: 500,
    body: { error: { code: "badConfiguration", message: "the cluster is not configured correctly" } },
  };
  for (const key of [env.API_KEY ?? "", env.READ_KEY ?? ""]) {
    for (const path of ["/admin/api/cluster", "/admin/api/users/ann/sessions", "/api/info"])
      expect(await ask(path, slip, { "x-api-key": key }), path).toEqual(exact);
  }
  const client = { upgrade: "websocket" };
  expect(await ask("/connection/websocket?key=ann", slip, client)).toEqual(generic);
  expect(await ask("/connection/websocket?key=ann", slip, { ...client, "x-api-key": "wrong" })).toEqual(
    generic,
  );
  expect(await ask("/admin/api/cluster", slip, { "x-api-key": "wrong" })).toMatchObject({ status: 401 });
  expect(
    await ask("/connection/websocket?key=ann", slip, { ...client, "x-api-key": env.API_KEY ?? "" }),
  ).toEqual(exact);
});

test("[EL46] a runtime without jurisdictions refuses the setting, and no object is made elsewhere", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const key = { "x-api-key": env.API_KEY ?? "" };
  const inEurope = { RINGCAST_OVERRIDES: { development: true, shards: { jurisdiction: "eu" } } };
  for (const path of ["/admin/api/cluster", "/api/info"])
    expect(await ask(path, inEurope, key)).toMatchObject({
      status: 500,
      body: {
        error: {
          code: "badConfiguration",
          message: expect.stringContaining(
            'RINGCAST.shards.jurisdiction: this runtime has no jurisdiction "eu"',
          ),
        },
      },
    });
});

test("[AU10] weak secrets stop the deployment, and the error says which", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const key = { "x-api-key": env.API_KEY ?? "" };
  expect(await ask("/admin/api/cluster", { TOKEN_HMAC_SECRET: "short" }, key)).toMatchObject({
    status: 500,
    body: { error: { message: "TOKEN_HMAC_SECRET: has fewer than 32 bytes" } },
  });
  expect(await ask("/admin/api/cluster", { READ_KEY: env.API_KEY }, key)).toMatchObject({
    status: 500,
    body: { error: { message: "READ_KEY: has the value of API_KEY" } },
  });
});

test("[AU11] the previous value of a key gives the same access, and nothing without being configured", async () => {
  const [before, readBefore] = ["the-api-key-before", "the-read-key-before"];
  const rotated = { API_KEY_PREVIOUS: before, READ_KEY_PREVIOUS: readBefore };
  for (const [key, variables, status] of [
    [before, rotated, 200],
    [readBefore, rotated, 200],
    [env.API_KEY ?? "", rotated, 200],
    [before, {}, 401],
    ["", rotated, 401],
  ] as const)
    expect(await ask("/admin/api/cluster", variables, { "x-api-key": key }), key).toMatchObject({ status });
  expect(await ask("/api/history_remove", rotated, { "x-api-key": readBefore })).toMatchObject({
    body: { error: { message: expect.stringContaining("may only read") } },
  });
  expect(await ask("/api/history_remove", rotated, { "x-api-key": before })).toMatchObject({
    body: { error: { message: expect.stringContaining("channel") } },
  });
});

test("[OP20] the record says whose key made a change, and a request cannot name another holder", async () => {
  const keys = { OPERATOR_KEY_ANN: "ann's-own-key-of-16", OPERATOR_KEY_BOB: "bob's-own-key-of-16" };
  const { handler } = createRingcast();
  const add = async (key: string, headers: Record<string, string> = {}): Promise<unknown> => {
    const request = new Request("https://ringcast.test/admin/api/shards", {
      method: "POST",
      headers: { "x-api-key": key, "content-type": "application/json", ...headers },
      body: '{"count":1}',
    });
    const response = await handler.fetch(request, { ...env, ...keys }, createExecutionContext());
    return response.status;
  };
  const shared = env.API_KEY ?? "";
  expect(await add(keys.OPERATOR_KEY_ANN)).toBe(200);
  expect(await add(keys.OPERATOR_KEY_BOB, { "x-ringcast-by": "console" })).toBe(200);
  expect(await add(shared, { "x-ringcast-by": "ann" })).toBe(200);
  expect(await add(shared, { "x-ringcast-by": "x".repeat(500) })).toBe(200);
  expect(await add("carols-own-key-of-16")).toBe(401);
  const { body } = (await ask("/admin/api/epochs?limit=4", {}, { "x-api-key": shared })) as any;
  expect(body.epochs.map(({ by }: { by: string }) => by)).toEqual([
    `operator (${"x".repeat(90)}`,
    "operator (ann)",
    "bob (console)",
    "ann",
  ]);
  const choose = new Request("https://ringcast.test/admin/api/scale", {
    method: "PATCH",
    headers: { "x-api-key": keys.OPERATOR_KEY_ANN, "content-type": "application/json" },
    body: '{"mode":"suggest"}',
  });
  const chosen = await handler.fetch(choose, { ...env, ...keys }, createExecutionContext());
  expect(await chosen.json()).toMatchObject({ mode: "suggest", chosen: { by: "ann" } });
  // Without its secret a key is nobody's: a holder who leaves is locked out by deleting it.
  expect(await ask("/admin/api/cluster", {}, { "x-api-key": keys.OPERATOR_KEY_ANN })).toMatchObject({
    status: 401,
  });
});

test("[PK5] a deployment without any key, or without an object, says so, and seems not to be down", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const keyless = { API_KEY: "", READ_KEY: undefined };
  const problem = (message: unknown) => ({
    status: 500,
    body: { error: { code: "badConfiguration", message } },
  });
  const key = { "x-api-key": env.API_KEY ?? "" };
  for (const path of ["/admin/api/cluster", "/api/info"]) {
    expect(await ask(path, keyless, key)).toEqual(problem(expect.stringContaining("API_KEY and READ_KEY")));
    const deployed = { ...keyless, RINGCAST_OVERRIDES: {} };
    expect(await ask(path, deployed, key)).toEqual(problem("the cluster is not configured correctly"));
  }
  for (const path of ["/api/info", "/connection/websocket?key=ann"])
    expect(await ask(path, { CHANNEL: undefined }, { ...key, upgrade: "websocket" })).toEqual(
      problem(expect.stringContaining("no Durable Object binding CHANNEL")),
    );
});

test("[FH1] on this machine, and in development, a wrong configuration is told without a key", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const deployed = { RINGCAST_OVERRIDES: {} };
  const upgrade = "/connection/websocket?key=ann";
  const cases: [path: string, variables: object, named: string][] = [
    [upgrade, { ...deployed, RINCAST: {} }, "RINCAST: "],
    [upgrade, { ...deployed, RINGCAST: { shard: 1 } }, "RINGCAST.shard: there is no such field"],
    [upgrade, { ...deployed, COORDINATOR: undefined }, "no Durable Object binding COORDINATOR"],
    ["/api/info", { ...deployed, API_KEY: "", READ_KEY: "" }, '"npx wrangler secret put API_KEY"'],
  ];
  const client = { upgrade: "websocket" };
  for (const [path, variables, named] of cases) {
    for (const host of ["localhost:8787", "127.0.0.1", "[::1]:8787"])
      expect(await ask(`http://${host}${path}`, variables, client), named).toMatchObject({
        status: 500,
        body: { error: { message: expect.stringContaining(named) } },
      });
    expect(await ask(path, variables, client)).toMatchObject({
      body: { error: { message: "the cluster is not configured correctly" } },
    });
  }
  const development = { RINGCAST_OVERRIDES: { development: true, shard: 1 } };
  expect(await ask(upgrade, development, client)).toMatchObject({
    body: { error: { message: expect.stringContaining("RINGCAST.shard: ") } },
  });
});

test("[FH1] a request without a key hears where the key is", async () => {
  const answer = (code: string, where: string) => ({
    status: 401,
    body: { error: { code, message: expect.stringMatching(where) } },
  });
  for (const path of ["/api/info", "/admin/api/cluster"]) {
    expect(await ask(path, {})).toEqual(answer("noKey", "X-API-Key; .* API_KEY of the deployment"));
    expect(await ask(`http://localhost:8787${path}`, {})).toEqual(
      answer("noKey", "X-API-Key; .*\\.dev\\.vars"),
    );
    expect(await ask(`http://127.0.0.1:8787${path}`, {}, { "x-api-key": "wrong" })).toEqual(
      answer("wrongKey", "not valid; .*\\.dev\\.vars"),
    );
  }
});
