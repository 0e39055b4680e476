import { createRoute, type OpenAPIHono, type z } from "@hono/zod-openapi";
import type { Context } from "hono";
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

/** A route of the operator's API, with the errors that each of its routes can answer with. */
export function adminRoute<
  Method extends "get" | "post" | "patch" | "delete",
  Path extends string,
  Answer extends z.ZodType,
  Request extends NonNullable<Parameters<typeof createRoute>[0]["request"]> = {},
>(spec: { method: Method; path: Path; summary: string; answer: Answer; request?: Request }) {
  const { answer, request, ...rest } = spec;
  return createRoute({
    ...rest,
    request: (request ?? {}) as Request,
    responses: {
      200: { description: "Done", content: { "application/json": { schema: answer } } },
      400: problem("The request is not valid"),
      401: problem("The API key is absent or wrong"),
      403: problem("The API key or the deployment does not permit the request"),
      404: problem("The shard, the epoch or the address does not exist"),
      409: problem("The cluster refuses the change"),
    },
  });
}

/** Answers with one of the errors of a route. */
export const fail = <Status extends 400 | 403 | 404 | 409>(
  request: Context<Env>,
  status: Status,
  error: { readonly code: string; readonly message: string },
) => request.json({ error }, status);
