import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { ConfigError } from "../config/config.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { configOf } from "../platform/config.ts";
import { configuredDescriptor } from "../platform/configured.ts";
import { createVerifier, type Verifier } from "../tokens/verifier.ts";
import { createAdmin } from "./admin.ts";
import { createApi } from "./api/api.ts";
import { connectClient } from "./connection.ts";
import { answerError } from "./errors.ts";
import { RingCache } from "./ring-cache.ts";

/** The Worker: stateless but for the newest ring that its isolate has seen. */
export function createRouter(hooks: Hooks): Hono<{ Bindings: Cloudflare.Env }> {
  const isolates = new WeakMap<object, { readonly cache: RingCache; readonly verifier: Verifier }>();
  const partsOf = (env: Cloudflare.Env) => {
    const config = configOf(env);
    let parts = isolates.get(config);
    if (parts === undefined) {
      const verifier = createVerifier({ tokens: config.cluster.tokens, hmacSecret: env.TOKEN_HMAC_SECRET });
      parts = { cache: new RingCache(configuredDescriptor(config)), verifier };
      isolates.set(config, parts);
    }
    return { cluster: config.cluster, hooks, ...parts };
  };

  const app = new Hono<{ Bindings: Cloudflare.Env }>();
  app.get("/connection/websocket", (request) => connectClient(request, partsOf(request.env)));
  app.get("/connection/websocket/:key", (request) => connectClient(request, partsOf(request.env)));
  app.route("/admin/api", createAdmin());
  app.route(
    "/api",
    createApi((env) => partsOf(env).cache),
  );
  app.get("/", (request) =>
    request.json({
      name: "ringcast",
      connect: "/connection/websocket?key=<affinity key>",
      api: "/api",
      operators: "/admin/api/cluster",
      openapi: "/admin/api/openapi.json",
    }),
  );
  app.notFound((request) =>
    answerError(request, 404, { code: "notFound", message: `there is nothing at ${request.req.path}` }),
  );
  app.onError((error, request) => {
    // What Hono's own readers refuse, such as a body that is not JSON.
    if (error instanceof HTTPException && error.status < 500) {
      return answerError(request, error.status, { code: "badRequest", message: error.message });
    }
    console.error(error);
    if (error instanceof ConfigError) {
      return answerError(request, 500, { code: "badConfiguration", message: error.message });
    }
    return answerError(request, 500, { code: "internal", message: "internal server error" });
  });
  return app;
}
