import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { configOf } from "../../platform/config.ts";
import { accessOf, type Access } from "../auth.ts";
import { answerError } from "../errors.ts";
import type { RingCache } from "../ring-cache.ts";
import { statusOf, type Answer } from "./answer.ts";
import type { Call } from "./call.ts";
import { apiDocument } from "./document.ts";
import { METHOD_NUMBERS } from "./methods.ts";
import { referencePage } from "./reference.ts";
import { runMethod } from "./run-method.ts";

type App = { Bindings: Cloudflare.Env; Variables: { access: Access } };
type Ask = Context<App>;

/**
 * The server API, compatible with Centrifugo's (its documentation, "Server API"; `centrifuge-protocol.md` §3).
 *
 * `POST /api/<method>` takes JSON and answers 200 with `result` or `error`; `POST /api` is the older form, one command
 * a line. `GET /api` shows people what there is.
 */
export function createApi(cacheOf: (env: Cloudflare.Env) => RingCache): Hono<App> {
  const app = new Hono<App>();
  app.get("/", (request) =>
    request.html(referencePage(), 200, {
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    }),
  );
  app.get("/openapi.json", (request) => request.json(apiDocument()));

  app.use(async (request, next) => {
    const access = await accessOf(request, request.req.query("api_key"));
    // Centrifugo's answer, which its libraries know.
    if (access === "none") return request.body(null, 401);
    request.set("access", access);
    const limiter = request.env.API_RATE_LIMIT;
    if (limiter !== undefined && !(await limiter.limit({ key: access })).success) {
      return answerError(
        request,
        429,
        { code: "tooManyRequests", message: "this API key is used too often" },
        { "retry-after": "10" },
      );
    }
    return next();
  });
  app.use((request, next) => {
    const maxSize = configOf(request.env).cluster.limits.apiBodyBytes;
    const onError = (one: Context) =>
      answerError(one, 413, { code: "tooLarge", message: `a request has at most ${maxSize} bytes` });
    return bodyLimit({ maxSize, onError })(request, next);
  });

  const callOf = ({ env }: Ask): Call => ({ env, config: configOf(env), cache: cacheOf(env) });
  app.post("/", async (request) => {
    const lines = (await request.req.text()).split("\n").filter((line) => line.trim() !== "");
    const limit = configOf(request.env).cluster.limits.apiCommands;
    if (lines.length > limit) return request.text(`at most ${limit} commands at once`, 400);
    const answers: Answer[] = [];
    for (const line of lines) {
      const command = readCommand(line);
      if (command === undefined) return request.text("not a line of JSON with a method", 400);
      answers.push(await runMethod(callOf(request), request.get("access"), command.method, command.params));
    }
    return request.body(answers.map((answer) => JSON.stringify(answer)).join("\n"), 200, {
      "content-type": "application/json",
    });
  });
  app.post("/:method", async (request) => {
    let params: unknown;
    try {
      params = JSON.parse((await request.req.text()) || "{}");
    } catch {
      return request.text("the request is not JSON", 400);
    }
    const name = request.req.param("method");
    const answer = await runMethod(callOf(request), request.get("access"), name, params);
    return reply(request, name, answer);
  });
  return app;
}

/** Over HTTP an error is a 200 with `error`, or where the caller wants that, a status of its own. */
function reply(request: Ask, name: string, answer: Answer): Response {
  if ("error" in answer) {
    if (request.req.header("x-centrifugo-error-mode") !== "transport") return request.json(answer);
    return request.json(answer.error, statusOf(answer.error.code) as ContentfulStatusCode);
  }
  return request.json(name === "batch" ? answer.result : answer);
}

/** A line of the older form: the method by its name or number. */
function readCommand(line: string): { readonly method: string; readonly params: unknown } | undefined {
  try {
    const { method, params } = JSON.parse(line) as { method?: unknown; params?: unknown };
    if (typeof method === "number") return { method: METHOD_NUMBERS[method] ?? String(method), params };
    return { method: typeof method === "string" ? method : METHOD_NUMBERS[0], params };
  } catch {
    return undefined;
  }
}
