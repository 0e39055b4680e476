import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Config } from "../../config/config.ts";
import { firstFault, sayFault } from "../../config/faults.ts";
import { findPart, MOST_LEVELS } from "../../contracts/json-text.ts";
import { bindingOfFront } from "../../platform/fronts.ts";
import { logError } from "../../platform/logger.ts";
import { socketioOf } from "../../socketio/cluster.ts";
import { InputError } from "../../socketio/input-error.ts";
import { FRONT } from "../../socketio/names.ts";
import type { AnyData, AnyEvents } from "../../socketio/types.ts";
import { accessOf, requireKeys } from "../access.ts";
import { allowOrigins } from "../cors.ts";
import { answerError, refuseAccess, refuseMethod } from "../errors.ts";
import type { PartsOf } from "../parts.ts";
import { METHODS, type Method } from "./methods.ts";

type App = { Bindings: RingcastEnv };

/**
 * The HTTP API for other back ends, under `socketio.path` and `api/`: `POST <method>` takes and gives JSON, and needs a
 * key (SPEC SO35). Its requests come with their path after that prefix.
 */
export function createSocketioApi(partsOf: PartsOf): Hono<App> {
  const configOf = (env: RingcastEnv): Config => partsOf(env).config;
  const app = new Hono<App>();
  app.use(allowOrigins(partsOf));
  app.post("/:method", async (request, next) => (await refusalOf(request)) ?? next());
  app.post("/:method", (request, next) => {
    const maxSize = configOf(request.env).cluster.limits.apiBodyBytes;
    const onError = (one: Context) =>
      answerError(one, 413, { code: "tooLarge", message: `a request has at most ${maxSize} bytes` });
    return bodyLimit({ maxSize, onError })(request, next);
  });
  app.post("/:method", async (request) => {
    const name = request.req.param("method");
    const method = METHODS.get(name);
    if (method === undefined)
      return answerError(request, 404, { code: "notFound", message: `there is no method ${name}` });
    const text = await request.req.text();
    const parsed = parse(method, text);
    if (!parsed.ok) return answerError(request, 400, { code: "badRequest", message: parsed.message });
    const most = configOf(request.env).cluster.limits.apiCommands;
    if (parsed.rooms > most)
      return answerError(request, 400, { code: "badRequest", message: `at most ${most} rooms at once` });
    if (bindingOfFront(request.env, FRONT) === undefined)
      return answerError(request, 400, {
        code: "badRequest",
        message: "this deployment has no binding SHARD_SOCKETIO",
      });
    const { failures } = partsOf(request.env).cache;
    const onFailed = failures.note.bind(failures);
    const io = socketioOf<AnyEvents, AnyEvents, AnyData>(request.env, { onFailed });
    try {
      return request.json((await method.run(io, parsed.params)) as object);
    } catch (error) {
      if (isInput(error)) return answerError(request, 400, { code: "badRequest", message: error.message });
      logError("a request for Socket.IO clients failed", { method: name, error });
      const reason = error instanceof Error ? error.message : String(error);
      return answerError(request, 503, { code: "unavailable", message: `a part may be done: ${reason}` });
    }
  });
  app.all("/:method", (request, next) =>
    METHODS.has(request.req.param("method")) ? Promise.resolve(refuseMethod(request, ["POST"])) : next(),
  );
  // The router tells its errors.
  app.onError((error) => {
    throw error;
  });
  app.notFound((request) =>
    answerError(request, 404, {
      code: "notFound",
      message: `${request.req.method} ${request.req.path} does not exist in this API`,
    }),
  );
  return app;
}

/** The key of the request, and how often it is used. */
async function refusalOf(request: Context<App, "/:method">): Promise<Response | undefined> {
  requireKeys(request.env);
  const access = await accessOf(request);
  if (access === "none") return refuseAccess(request);
  const reads = METHODS.get(request.req.param("method"))?.reads === true;
  if (access === "read" && !reads)
    return answerError(request, 403, { code: "readOnly", message: "this API key may only read" });
  const limiter = request.env.API_RATE_LIMIT;
  if (limiter === undefined || (await limiter.limit({ key: access })).success) return undefined;
  return answerError(request, 429, {
    code: "tooManyRequests",
    message: "this API key is used too often",
    // The shortest period of the platform's rate limit (docs/platform.md P43).
    headers: { "retry-after": "10" },
  });
}

type Parsed =
  | { readonly ok: true; readonly params: unknown; readonly rooms: number }
  | { readonly ok: false; readonly message: string };

function parse({ params }: Method, text: string): Parsed {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, message: "the request is not JSON" };
  }
  if ((findPart(text, [])?.levels ?? 0) > MOST_LEVELS)
    return { ok: false, message: `a request has at most ${MOST_LEVELS} levels of lists and objects` };
  const result = params.safeParse(json, { error: sayFault });
  if (!result.success) return { ok: false, message: firstFault(result.error, "the request") };
  const { rooms = [] } = result.data as { readonly rooms?: readonly string[] };
  return { ok: true, params: result.data, rooms: rooms.length };
}

/** `URIError`: a name that is no text. */
const isInput = (error: unknown): error is Error => error instanceof InputError || error instanceof URIError;
