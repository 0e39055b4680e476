import { Hono } from "hono";
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { createRingcast } from "../../src/ringcast.ts";

/** Hono's fast router refuses some sets of paths, and the slower one takes its place for all requests. */
test("[PK7] Hono finds an address by one regular expression, and in an application with ours too", async () => {
  const { routes } = createRingcast({ socketio: () => undefined });
  const app = new Hono().route("/realtime", routes()).route("/live/:room", routes());
  app.get("/page/:name", ({ req, text }) => text(req.param("name")));
  const ask = async (path: string, method = "GET"): Promise<number> =>
    (await app.request(path, { method }, env, createExecutionContext())).status;
  expect(await ask("/page/ann")).toBe(200);
  expect(app.router.name).toBe("SmartRouter + RegExpRouter");
  expect(await ask("/realtime/api/publish")).toBe(405);
  expect(await ask("/live/tea/api/publish")).toBe(405);
  expect(await ask("/realtime/api/nothing")).toBe(401);
  expect(await ask("/realtime/api/nothing/publish")).toBe(401);
  expect(await ask("/realtime/api/publish", "POST")).toBe(401);
  expect(await ask("/realtime/api/openapi.json")).toBe(200);
  expect(await ask("/realtime/connection/websocket")).toBe(426);
  expect(await ask("/realtime/connection/websocket/ann")).toBe(426);
});
