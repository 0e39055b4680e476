import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { ConfigError } from "../config/config.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { logError } from "../platform/logger.ts";
import { createAdmin } from "./admin/app.ts";
import { createApi } from "./api/api.ts";
import { accessOf } from "./access.ts";
import { connectClient } from "./connection.ts";
import { answerError } from "./errors.ts";
import { createParts, type Parts, type PartsOf } from "./parts.ts";
import { connectSocket } from "./socketio.ts";
import { createSocketioApi } from "./socketio-api/app.ts";

/** Makes the parts of a deployment at their first use, once for each isolate. */
export function partsWith(hooks: Hooks): PartsOf {
  const known = new WeakMap<object, Parts>();
  return (env) => {
    let parts = known.get(env);
    if (parts === undefined) {
      parts = createParts(env, hooks);
      known.set(env, parts);
    }
    return parts;
  };
}

/** The Worker. Its only state is the newest ring that its isolate has seen (docs/platform.md P27). */
export function createRouter(
  partsOf: PartsOf,
  { socketio = false }: { readonly socketio?: boolean } = {},
): Hono<{ Bindings: RingcastEnv }> {
  const isDevelopment = (env: RingcastEnv): boolean => {
    try {
      return partsOf(env).cluster.development;
    } catch {
      return false;
    }
  };
  const app = new Hono<{ Bindings: RingcastEnv }>();
  app.get("/connection/websocket", (request) => connectClient(request, partsOf(request.env)));
  app.get("/connection/websocket/:key", (request) => connectClient(request, partsOf(request.env)));
  app.route("/admin/api", createAdmin());
  app.route("/api", createApi(partsOf));
  app.get("/", (request) =>
    request.json({
      name: "ringcast",
      connect: "/connection/websocket?key=<affinity key>",
      api: "/api",
      operators: "/admin/api/cluster",
      openapi: "/admin/api/openapi.json",
    }),
  );
  if (socketio) {
    const socketioApi = createSocketioApi((env) => partsOf(env).config);
    app.all("*", async (request, next) => {
      const parts = partsOf(request.env);
      const { path } = request.req;
      const apiPath = `${parts.cluster.socketio.path}api`;
      if (path.startsWith(`${apiPath}/`)) {
        const url = new URL(request.req.url);
        url.pathname = path.slice(apiPath.length);
        return socketioApi.fetch(new Request(url, request.req.raw), request.env);
      }
      // As in a stock client's `path`, with the slash at the end or without.
      const isOfClients = [path, `${path}/`].includes(parts.cluster.socketio.path);
      return isOfClients ? connectSocket(request, parts) : next();
    });
  }
  app.notFound((request) =>
    answerError(request, 404, {
      code: "notFound",
      message: `the address ${request.req.path} does not exist`,
    }),
  );
  app.onError(async (error, request) => {
    // Hono's own readers throw these errors, for example for a body that is not JSON.
    if (error instanceof HTTPException && error.status < 500) {
      return answerError(request, error.status, { code: "badRequest", message: error.message });
    }
    logError("a request failed", { method: request.req.method, path: request.req.path, error });
    if (error instanceof ConfigError || isSettingError(error)) {
      // A key opens the reason; the names of settings are no business of strangers (SPEC OP11).
      const isShown = isDevelopment(request.env) || (await accessOf(request)) !== "none";
      const message = isShown ? error.message : "the cluster is not configured correctly";
      return answerError(request, 500, { code: "badConfiguration", message });
    }
    return answerError(request, 500, { code: "internal", message: "internal server error" });
  });
  return app;
}

/** An object has refused a setting; a call between objects carries the text of an error and not its class. */
const isSettingError = (error: Error): boolean => /^(\w+: )?RINGCAST\./.test(error.message);
