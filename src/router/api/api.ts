import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { basePath } from "hono/route";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { channelPublisher } from "../../platform/publisher.ts";
import { accessOf, requireKeys, type Access } from "../access.ts";
import { allowOrigins } from "../cors.ts";
import { answerError, refuseAccess } from "../errors.ts";
import type { PartsOf } from "../parts.ts";
import { AnswerBudget } from "./answer-budget.ts";
import { encodeAnswer, encodeResult, statusOf, type Answer } from "./answer.ts";
import { withDataText } from "./data-text.ts";
import { apiDocument } from "./document.ts";
import type { Call } from "./method.ts";
import { METHOD_NUMBERS, METHODS } from "./methods.ts";
import { referencePage } from "./reference.ts";
import { runMethod } from "./run-method.ts";

type App = { Bindings: RingcastEnv; Variables: { access: Access } };

/**
 * The server API, compatible with Centrifugo's (docs/protocol.md C41, C43).
 *
 * `POST /api/<method>` takes JSON and answers 200 with `result` or `error`. `POST /api` takes the older form, with one
 * command on each line. `GET /api` is a page that describes the methods.
 */
export function createApi(partsOf: PartsOf): Hono<App> {
  const app = new Hono<App>();
  app.use(allowOrigins(partsOf));
  app.get("/", (request) =>
    request.html(referencePage(basePath(request)), 200, {
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    }),
  );
  app.get("/openapi.json", (request) => request.json(apiDocument(basePath(request))));
  // No parameter: beside a path like the one above, Hono would fall back to its slower router for all requests.
  app.on(["GET", "PUT", "PATCH", "DELETE"], "/*", (request, next) => {
    const { method, path } = request.req;
    if (!METHODS.has(path.slice(basePath(request).length + 1))) return next();
    return Promise.resolve(
      answerError(request, 405, {
        code: "methodNotAllowed",
        message: `send the method's parameters as JSON with POST, not ${method}`,
        headers: { allow: "POST" },
      }),
    );
  });

  app.use(async (request, next) => {
    requireKeys(request.env);
    const access = await accessOf(request, request.req.query("api_key"));
    if (access === "none") return refuseAccess(request, request.req.query("api_key"));
    request.set("access", access);
    const limiter = request.env.API_RATE_LIMIT;
    if (limiter !== undefined && !(await limiter.limit({ key: access })).success) {
      return answerError(request, 429, {
        code: "tooManyRequests",
        message: "this API key is used too often",
        // The shortest period of the platform's rate limit (docs/platform.md P43).
        headers: { "retry-after": "10" },
      });
    }
    return next();
  });
  app.use((request, next) => {
    const maxSize = partsOf(request.env).config.cluster.limits.apiBodyBytes;
    const onError = (one: Context) =>
      answerError(one, 413, { code: "tooLarge", message: `a request has at most ${maxSize} bytes` });
    return bodyLimit({ maxSize, onError })(request, next);
  });

  const callOf = ({ env }: Context<App>): Call => {
    const { config, cache, schemas } = partsOf(env);
    const { times, limits } = config.cluster;
    const publisher = channelPublisher(env, times.deliveryTimeoutMs);
    return { env, config, cache, schemas, publisher, answers: new AnswerBudget(limits.apiAnswerBytes) };
  };
  app.post("/", async (request) => {
    const call = callOf(request);
    const lines = (await request.req.text()).split("\n").filter((line) => line.trim() !== "");
    const limit = call.config.cluster.limits.apiCommands;
    if (lines.length > limit) return refuse(request, `at most ${limit} commands at once`);
    const access = request.get("access");
    // All are read before one is run: a request that is refused has done nothing.
    const commands = lines.map(readCommand).filter((command) => command !== undefined);
    if (commands.length < lines.length) return refuse(request, "each line is a JSON object with a method");
    const answers: string[] = [];
    for (const command of commands) {
      const answer = encodeAnswer(await runMethod(call, { ...command, access }));
      answers.push(call.answers.count(answer));
    }
    return request.body(answers.join("\n"), 200, JSON_HEADERS);
  });
  app.post("/:method", async (request) => {
    const text = (await request.req.text()) || "{}";
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      return refuse(request, "the request is not JSON");
    }
    const name = request.req.param("method");
    const params = withDataText(name, parsed, { text, path: [] });
    const answer = await runMethod(callOf(request), { name, params, access: request.get("access") });
    return reply(request, name, answer);
  });
  return app;
}

const refuse = (request: Context<App>, message: string): Response =>
  answerError(request, 400, { code: "badRequest", message });

const JSON_HEADERS = { "content-type": "application/json" };

/** An error is 200 with `error`, or has a status of its own where the caller asks for that (docs/protocol.md C42). */
function reply(request: Context<App>, name: string, answer: Answer): Response {
  if ("error" in answer) {
    if (request.req.header("x-centrifugo-error-mode") !== "transport") return request.json(answer);
    return request.json(answer.error, statusOf(answer.error.code) as ContentfulStatusCode);
  }
  const isBatch = METHODS.get(name)?.kind === "batch";
  return request.body(isBatch ? encodeResult(answer.result) : encodeAnswer(answer), 200, JSON_HEADERS);
}

/** Reads a line of the older form, which has the method by its name or number (docs/protocol.md C43). */
function readCommand(line: string): { readonly name: string; readonly params: unknown } | undefined {
  try {
    const { method, params } = JSON.parse(line) as { method?: unknown; params?: unknown };
    const name = typeof method === "number" ? (METHOD_NUMBERS[method] ?? String(method)) : method;
    const known = typeof name === "string" ? name : METHOD_NUMBERS[0];
    return { name: known, params: withDataText(known, params, { text: line, path: ["params"] }) };
  } catch {
    return undefined;
  }
}
