import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { answerError } from "../errors.ts";
import { errorBody } from "./schemas/common.ts";

type Env = { Bindings: Cloudflare.Env };
export type AdminApp = OpenAPIHono<Env>;

export const jsonBody = <Schema extends z.ZodType>(body: Schema) => ({
  required: true,
  content: { "application/json": { schema: body } },
});

const problem = (description: string) => ({
  description,
  content: { "application/json": { schema: errorBody } },
});

const noQuery = z.strictObject({});

/**
 * A route of the operator's API, with the errors that each of its routes can answer with. A route refuses a body or a
 * query key that it does not know, because the key may be an option such as `dryRun` (SPEC OP10).
 */
export function adminRoute<
  Method extends "get" | "post" | "patch" | "delete",
  Path extends string,
  Answer extends z.ZodType,
  Request extends NonNullable<Parameters<typeof createRoute>[0]["request"]> = {},
>(spec: { method: Method; path: Path; summary: string; answer: Answer; request?: Request }) {
  const { answer, request, ...rest } = spec;
  return createRoute({
    ...rest,
    request: { query: noQuery, ...request } as Request,
    middleware: [request?.body === undefined ? refuseBody : refuseOtherBody] as const,
    responses: {
      200: { description: "Done", content: { "application/json": { schema: answer } } },
      400: problem("The request is not valid"),
      401: problem("The API key is absent or wrong"),
      403: problem("The API key or the deployment does not permit the request"),
      404: problem("The shard, the epoch or the address does not exist"),
      409: problem("The cluster refuses the change"),
      415: problem("The body is not JSON by its header"),
    },
  });
}

const hasBody = async (request: Context<Env>): Promise<boolean> =>
  (await request.req.arrayBuffer()).byteLength > 0;

const refuseBody: MiddlewareHandler<Env> = async (request, next) => {
  if (!(await hasBody(request))) return next();
  const { method, path } = request.req;
  const message = `${method} ${path} takes no body; its options go into the query`;
  return answerError(request, 400, { code: "badRequest", message });
};

/** Without this check a body of another type would count as empty. */
const refuseOtherBody: MiddlewareHandler<Env> = async (request, next) => {
  const type = request.req.header("content-type") ?? "";
  if (/^application\/json *(;|$)/i.test(type) || !(await hasBody(request))) return next();
  const message = "send a body with the header Content-Type: application/json";
  return answerError(request, 415, { code: "jsonOnly", message });
};

/** Answers with one of the errors of a route. */
export const fail = <Status extends 400 | 403 | 404 | 409>(
  request: Context<Env>,
  status: Status,
  error: { readonly code: string; readonly message: string },
) => request.json({ error }, status);
