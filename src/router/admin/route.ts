import { createRoute, type z } from "@hono/zod-openapi";
import { errorBody } from "./admin-schemas.ts";

export const jsonBody = <Schema extends z.ZodType>(body: Schema) => ({
  required: true,
  content: { "application/json": { schema: body } },
});

const problem = (description: string) => ({
  description,
  content: { "application/json": { schema: errorBody } },
});

/** A route with the errors that each of them can answer with. */
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
      400: problem("The request cannot be understood"),
      401: problem("No key, or a wrong one"),
      403: problem("The key does not permit it"),
      404: problem("There is no such thing"),
      409: problem("The cluster does not permit it"),
    },
  });
}
