import type { Centrifuge } from "centrifuge";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as changes from "../../src/router/admin/schemas/changes.ts";
import { configuration } from "../../src/router/admin/schemas/configuration.ts";
import * as common from "../../src/router/admin/schemas/common.ts";
import * as reads from "../../src/router/admin/schemas/reads.ts";
import { scaleReport } from "../../src/router/admin/schemas/scale.ts";
import * as users from "../../src/router/admin/schemas/users.ts";
import { API_KEY, eventually, READ_KEY, signToken, startCluster, type Cluster } from "../support/cluster.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ cluster: { insecure: false, anonymous: false, development: false } });
});
afterAll(() => cluster?.stop());

describe("[AU4] the operator's API opens to its keys alone", () => {
  test("a request without a key or with a wrong key gets only an error", async () => {
    for (const key of ["", "wrong", API_KEY.slice(0, -1), `${API_KEY}x`]) {
      const { status, body } = await cluster.admin("GET", "/cluster", undefined, key);
      expect(status).toBe(401);
      expect(body.error.code).toMatch(/Key$/);
    }
  });

  test("the reading key reads, and changes nothing", async () => {
    expect((await cluster.admin("GET", "/cluster", undefined, READ_KEY)).status).toBe(200);
    const { status, body } = await cluster.admin("POST", "/shards", { count: 1 }, READ_KEY);
    expect([status, body.error.code]).toEqual([403, "readOnly"]);
    expect((await cluster.admin("GET", "/cluster")).body.ringEpoch).toBe(1);
  });

  test("the router reads the key from each of the usual headers", async () => {
    for (const authorization of [`Bearer ${API_KEY}`, `apikey ${API_KEY}`]) {
      const response = await fetch(new URL("/admin/api/cluster", cluster.url), {
        headers: { authorization },
      });
      expect(response.status).toBe(200);
    }
  });

  test("[PK25] the time cannot be moved outside development", async () => {
    const { status, body } = await cluster.admin("POST", "/time", { advanceMs: 1_000 });
    expect(status).toBe(403);
    expect(body).toMatchObject({ error: { code: "developmentOnly" } });
  });

  test("a shard cannot be crashed outside development", async () => {
    const { status, body } = await cluster.admin("POST", "/shards/auto-1/crash");
    expect([status, body.error.code]).toEqual([403, "developmentOnly"]);
  });

  test("a wrong request gets a code and a sentence that names the field", async () => {
    for (const [method, path, body, field] of [
      ["POST", "/shards", { count: 0 }, "count"],
      ["POST", "/shards", { weight: 65 }, "weight"],
      ["POST", "/shards", { regoin: "weur" }, "regoin"],
      ["PATCH", "/shards/auto-1", { weight: 1.5 }, "weight"],
      ["GET", "/explain", undefined, "key"],
      ["GET", "/epochs?limit=0", undefined, "limit"],
    ] as const) {
      const answer = await cluster.admin(method, path, body);
      expect(answer.status, path).toBe(400);
      expect(JSON.stringify(answer.body.error)).toContain(field);
    }
    const response = await fetch(new URL("/admin/api/shards", cluster.url), {
      method: "POST",
      headers: { "x-api-key": API_KEY, "content-type": "application/json" },
      body: "{not json",
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: expect.any(String) } });
    expect((await cluster.admin("GET", "/nothing-here")).body.error.code).toBe("notFound");
  });

  test("the answers have exactly the fields of the OpenAPI document", async () => {
    const answers = [
      [reads.clusterReport, await cluster.admin("GET", "/cluster")],
      [reads.epochList, await cluster.admin("GET", "/epochs")],
      [reads.explanation, await cluster.admin("GET", "/explain?key=ann&region=weur")],
      [changes.changeResult, await cluster.admin("POST", "/shards", { count: 2, dryRun: true })],
      [changes.changeResult, await cluster.admin("POST", "/shards/auto-1/drain", { dryRun: true })],
      [changes.changeResult, await cluster.admin("PATCH", "/shards/auto-1", { weight: 3, dryRun: true })],
      [changes.changeResult, await cluster.admin("DELETE", "/shards/auto-1?dryRun=true")],
      [changes.changeResult, await cluster.admin("POST", "/rollback", { epoch: 1, dryRun: true })],
      [configuration, await cluster.admin("GET", "/configuration", undefined, READ_KEY)],
      [scaleReport, await cluster.admin("GET", "/scale")],
      [users.userSessions, await cluster.admin("GET", "/users/ann/sessions")],
      [users.userDisconnected, await cluster.admin("POST", "/users/nobody/disconnect")],
    ] as const;
    for (const [schema, { status, body }] of answers) {
      expect(status).toBe(200);
      // A field too many fails like a field too few.
      expect(schema.strict().parse(body)).toEqual(body);
    }
    const { status, body } = await cluster.admin("POST", "/shards/nobody/drain", {});
    expect(status).toBe(404);
    expect(common.errorBody.strict().parse(body)).toEqual(body);
  });

  test("the OpenAPI document describes every path", async () => {
    const document = await (await fetch(new URL("/admin/api/openapi.json", cluster.url))).json();
    expect(document).toMatchObject({ openapi: "3.1.0" });
    expect(Object.keys((document as { paths: object }).paths).toSorted()).toEqual([
      "/channels/{channel}/crash",
      "/clients",
      "/cluster",
      "/configuration",
      "/coordinator/crash",
      "/cost",
      "/epochs",
      "/events",
      "/explain",
      "/live",
      "/rollback",
      "/scale",
      "/sessions",
      "/shards",
      "/shards/{id}",
      "/shards/{id}/crash",
      "/shards/{id}/drain",
      "/socketio/rooms",
      "/socketio/sockets",
      "/time",
      "/users/{user}/disconnect",
      "/users/{user}/sessions",
    ]);
  });

  test("the API finds the sessions of a user on every shard, and disconnects them for good", async () => {
    const clients: Centrifuge[] = [];
    for (let n = 0; n < 8; n++) {
      const client = cluster.client(`zoe-${n}`, { token: await signToken({ sub: "zoe" }) });
      client.connect();
      clients.push(client);
    }
    await Promise.all(clients.map((client) => client.ready(240_000)));
    const found = (await cluster.admin("GET", "/users/zoe/sessions")).body;
    // [OP24] A session is found by its id as well.
    expect((await cluster.admin("GET", "/sessions?of=zoe")).body).toEqual(found);
    const one = found.sessions[3];
    expect((await cluster.admin("GET", `/sessions?of=${one.client}`)).body.sessions).toEqual([one]);
    expect(found.unreachable).toEqual([]);
    expect(found.sessions.map(({ key }: { key: string }) => key).toSorted()).toEqual(
      clients.map((_, n) => `zoe-${n}`),
    );
    expect(new Set(found.sessions.map(({ shard }: { shard: string }) => shard)).size).toBeGreaterThan(1);
    const ended = clients.map(
      (client) => new Promise<number>((done) => client.once("disconnected", ({ code }) => done(code))),
    );
    expect((await cluster.admin("POST", "/users/zoe/disconnect")).body.disconnected).toBe(8);
    expect(await Promise.all(ended)).toEqual(clients.map(() => 3503));
    await eventually(
      async () => (await cluster.admin("GET", "/users/zoe/sessions")).body.sessions.length === 0,
    );
  });
});
