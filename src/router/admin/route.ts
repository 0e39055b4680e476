import { Hono, type Context } from "hono";
import { HTTPException } from "hono/http-exception";
import * as z from "zod";
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from "zod-openapi";
import { firstFault, sayFault } from "../../config/faults.ts";
import { within } from "../../platform/calls.ts";
import { configOf } from "../../platform/config.ts";
import { answerError, refuseMethod } from "../errors.ts";
import { jsonOf } from "../openapi.ts";
import { errorBody } from "./schemas/common.ts";

type Env = { Bindings: RingcastEnv };
export type AdminRequest = Context<Env>;

/** The routes of the operator's API, and what its OpenAPI document says of them. */
export class AdminApp extends Hono<Env> {
  readonly paths: Record<string, ZodOpenApiPathsObject[string]> = {};
}

type Method = "get" | "post" | "patch" | "delete";
type RouteSpec<Query, Params, Body, Answer> = {
  readonly method: Method;
  /** As in OpenAPI: `/shards/{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly query?: Query;
  readonly params?: Params;
  readonly body?: Body;
  readonly answer: Answer;
};
type Input<Query, Params, Body> = {
  readonly query: z.output<Query>;
  readonly params: z.output<Params>;
  readonly body: z.output<Body>;
};

/** Stands for a query, a path or a body that a route has none of. */
const nothing = z.strictObject({});
type Nothing = typeof nothing;

/**
 * Adds a route: its schemas check the request, and make its part of the OpenAPI document. A route refuses a body or a
 * query key that it does not know, because the key may be an option such as `dryRun` (SPEC OP10).
 *
 * `handle` returns the answer's JSON, or a response of its own, such as one of {@link fail}.
 */
export function addRoute<
  Answer extends z.ZodType,
  Query extends z.ZodObject = Nothing,
  Params extends z.ZodObject = Nothing,
  Body extends z.ZodType = Nothing,
>(
  app: AdminApp,
  spec: RouteSpec<Query, Params, Body, Answer>,
  handle: (request: AdminRequest, input: Input<Query, Params, Body>) => Promise<z.input<Answer> | Response>,
): void {
  const { method, path, query = nothing, params, body } = spec;
  app.paths[path] = { ...app.paths[path], [method]: describe(spec) };
  app.on(method, honoPath(path), async (request) => {
    const refusal = await (body === undefined ? refuseBody(request) : refuseOtherBody(request));
    if (refusal !== undefined) return refusal;
    const input = {
      query: parse(query, "the query", queryOf(request)),
      params: params === undefined ? {} : parse(params, "the path", request.req.param()),
      body: body === undefined ? {} : parse(body, "the body", await jsonOfBody(request)),
    } as Input<Query, Params, Body>;
    const answer = await inTime(request, handle(request, input));
    return answer instanceof Response ? answer : request.json(answer as object, 200);
  });
}

/** The answer, or 503 where the objects of the cluster take too long (SPEC BD105). */
async function inTime<T>(request: AdminRequest, answer: Promise<T>): Promise<T | Response> {
  // The coordinator itself waits so long for a shard, and once more where it asks others through it.
  const ms = 2 * configOf(request.env).cluster.times.deliveryTimeoutMs;
  const late = new HTTPException(503);
  try {
    return await within(ms, answer, () => late);
  } catch (error) {
    if (error !== late) throw error;
    const after = request.req.method === "GET" ? "" : "; what was asked for may still be done";
    return answerError(request, 503, {
      code: "unavailable",
      message: `the cluster has not answered within ${ms} ms${after}`,
      headers: { "retry-after": "5" },
    });
  }
}

const honoPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ":$1");

/** Answers another method of a route's address, once all routes are there. */
export function refuseOtherMethods(app: AdminApp): void {
  for (const [path, methods] of Object.entries(app.paths))
    app.all(honoPath(path), (request) =>
      refuseMethod(
        request,
        Object.keys(methods).map((method) => method.toUpperCase()),
      ),
    );
}

/** Answers with one of the errors of a route. */
export const fail = (
  request: AdminRequest,
  status: 400 | 403 | 404 | 409,
  error: { readonly code: string; readonly message: string },
): Response => answerError(request, status, error);

function describe<Query extends z.ZodObject, Params extends z.ZodObject, Body extends z.ZodType>(
  spec: RouteSpec<Query, Params, Body, z.ZodType>,
): ZodOpenApiOperationObject {
  const { summary, query, params, body, answer } = spec;
  const requestParams = {
    ...(query === undefined ? {} : { query }),
    ...(params === undefined ? {} : { path: params }),
  };
  return {
    summary,
    requestParams,
    ...(body === undefined ? {} : { requestBody: { required: true, content: jsonOf(body) } }),
    responses: {
      200: { description: "Done", content: jsonOf(answer) },
      400: problem("The request is not valid"),
      401: problem("The API key is absent or wrong"),
      403: problem("The API key or the deployment does not permit the request"),
      404: problem("The shard, the epoch or the address does not exist"),
      409: problem("The cluster refuses the change"),
      415: problem("The body is not JSON by its header"),
      503: problem("The cluster has not answered in time; a change may still be made"),
    },
  };
}

const problem = (description: string) => ({ description, content: jsonOf(errorBody) });

/** Throws where a part of a request is not valid; the first fault is enough. */
function parse<Schema extends z.ZodType>(schema: Schema, part: string, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value, { error: sayFault });
  if (result.success) return result.data;
  throw new HTTPException(400, { message: firstFault(result.error, part) });
}

/** A key that stands several times in a query has all its values. */
const queryOf = ({ req }: AdminRequest): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(req.queries()).map(([name, values]) => [
      name,
      values.length === 1 ? (values[0] ?? "") : values,
    ]),
  );

async function jsonOfBody(request: AdminRequest): Promise<unknown> {
  if (!isJson(request)) return {};
  try {
    return await request.req.json<unknown>();
  } catch {
    throw new HTTPException(400, { message: "the body is not JSON" });
  }
}

const isJson = ({ req }: AdminRequest): boolean =>
  /^application\/json *(;|$)/i.test(req.header("content-type") ?? "");

const hasBody = async ({ req }: AdminRequest): Promise<boolean> => (await req.arrayBuffer()).byteLength > 0;

async function refuseBody(request: AdminRequest): Promise<Response | undefined> {
  if (!(await hasBody(request))) return undefined;
  const { method, path } = request.req;
  const message = `${method} ${path} takes no body; its options go into the query`;
  return answerError(request, 400, { code: "badRequest", message });
}

/** Without this check a body of another type would count as empty. */
async function refuseOtherBody(request: AdminRequest): Promise<Response | undefined> {
  if (isJson(request) || !(await hasBody(request))) return undefined;
  const message = "send a body with the header Content-Type: application/json";
  return answerError(request, 415, { code: "jsonOnly", message });
}
