import { Hono, type Context } from "hono";
import { basePath } from "hono/route";
import { HTTPException } from "hono/http-exception";
import { ConfigError, wantsDevelopment } from "../config/config.ts";
import type { ReadEnv } from "../platform/bindings.ts";
import { logError } from "../platform/logger.ts";
import { createAdmin } from "./admin/app.ts";
import { createApi } from "./api/api.ts";
import { accessOf } from "./access.ts";
import { connectClient } from "./connection.ts";
import { answerError, isOnThisMachine } from "./errors.ts";
import { createParts, type Code, type Parts, type PartsOf } from "./parts.ts";
import { connectSocket } from "./socketio.ts";
import { createSocketioApi } from "./socketio-api/app.ts";
import { socketioDocument } from "./socketio-api/document.ts";

/** Makes the parts of a deployment at their first use, once for each isolate. */
export function partsWith(code: Code): PartsOf {
  const known = new WeakMap<object, Parts>();
  return (env) => {
    let parts = known.get(env);
    if (parts === undefined) {
      parts = createParts(env, code);
      known.set(env, parts);
    }
    return parts;
  };
}

export type Routes = Hono<{ Bindings: RingcastEnv }>;

/**
 * The addresses of a cluster. Its only state is the newest ring that its isolate has seen (docs/platform.md P27).
 *
 * `basePath`: the path before each address, if these routes are not mounted in other ones. `hasIndex`: also the address
 * itself, with a list of the others. A request to another address stays without an answer (SPEC PK7).
 */
export function createRoutes(
  partsOf: PartsOf,
  {
    readEnv,
    socketio = false,
    basePath: base = "",
    hasIndex = false,
  }: {
    readonly readEnv?: ReadEnv | undefined;
    readonly socketio?: boolean;
    readonly basePath?: string;
    readonly hasIndex?: boolean;
  } = {},
): Routes {
  /** The parts, unless the configuration is wrong and the path may well be the application's. */
  const partsFor = (env: RingcastEnv, path: string): Parts | undefined => {
    try {
      return partsOf(env);
    } catch (error) {
      if (path.startsWith(USUAL_SOCKETIO_PATH)) throw error;
      return undefined;
    }
  };
  const app: Routes = base === "" ? new Hono() : new Hono<{ Bindings: RingcastEnv }>().basePath(base);
  if (readEnv !== undefined)
    for (const own of OWN)
      app.use(own, async (request, next) => {
        const { env } = request;
        request.env = readEnv(env);
        await next();
        request.env = env;
      });
  app.get("/connection/websocket", (request) => connectClient(request, partsOf(request.env)));
  app.get("/connection/websocket/:key", (request) => connectClient(request, partsOf(request.env)));
  app.route("/admin/api", createAdmin());
  app.route("/api", createApi(partsOf));
  if (hasIndex) app.get("/", (request) => request.json(indexOf(mountOf(request))));
  if (socketio) {
    const socketioApi = createSocketioApi(partsOf);
    app.all("*", (request, next) => {
      const mount = mountOf(request);
      const path = request.req.path.slice(mount.length);
      const env = readEnv?.(request.env) ?? request.env;
      const parts = partsFor(env, path);
      if (parts === undefined) return next();
      const { path: ofClients } = parts.cluster.socketio;
      const apiPath = `${ofClients}api`;
      if (request.req.method === "GET" && path === `${apiPath}/openapi.json`)
        return Promise.resolve(request.json(socketioDocument(mount + apiPath)));
      if (path.startsWith(`${apiPath}/`)) {
        const url = new URL(request.req.url);
        url.pathname = path.slice(apiPath.length);
        return Promise.resolve(socketioApi.fetch(new Request(url, request.req.raw), env));
      }
      // As in a stock client's `path`, with the slash at the end or without.
      if (![path, `${path}/`].includes(ofClients)) return next();
      request.env = env;
      return connectSocket(request, parts);
    });
  }
  for (const own of OWN) if (own !== "/") app.all(own, notFound);
  app.onError(async (error, request) => {
    // Hono's own readers throw these errors, for example for a body that is not JSON.
    if (error instanceof HTTPException && error.status < 500) {
      return answerError(request, error.status, { code: "badRequest", message: error.message });
    }
    logError("a request failed", { method: request.req.method, path: request.req.path, error });
    if (error instanceof ConfigError || isSettingError(error)) {
      // A key opens the reason; the names of settings are no business of strangers (SPEC OP11).
      const isShown =
        wantsDevelopment(request.env) || isOnThisMachine(request) || (await accessOf(request)) !== "none";
      const message = isShown ? error.message : "the cluster is not configured correctly";
      return answerError(request, 500, { code: "badConfiguration", message });
    }
    return answerError(request, 500, { code: "internal", message: "internal server error" });
  });
  return app;
}

const USUAL_SOCKETIO_PATH = "/socket.io";
/** The addresses that belong to a cluster, besides `socketio.path`. */
const OWN = ["/", "/connection/*", "/admin/api/*", "/api/*"];

export const notFound = (request: Context): Response =>
  answerError(request, 404, {
    code: "notFound",
    message: `${request.req.method} ${request.req.path} does not exist`,
  });

/** The path before the addresses of the cluster; empty where there is none. */
const mountOf = (request: Context): string => basePath(request).replace(/\/$/, "");

const indexOf = (mount: string) => ({
  name: "ringcast",
  connect: `${mount}/connection/websocket?key=<affinity key>`,
  api: `${mount}/api`,
  operators: `${mount}/admin/api/cluster`,
  openapi: `${mount}/admin/api/openapi.json`,
});

/** An object has refused a setting; a call between objects carries the text of an error and not its class. */
const isSettingError = (error: Error): boolean => /^(\w+: )?RINGCAST\./.test(error.message);
