import { OpenAPIHono } from "@hono/zod-openapi";
import { PRODUCT_VERSION } from "../../version.ts";
import { errorBody } from "../admin/schemas/common.ts";
import { METHODS } from "./methods.ts";

const problem = (description: string) => ({
  description,
  content: { "application/json": { schema: errorBody } },
});

/** The OpenAPI document of the HTTP API for Socket.IO, made of the schemas that check its requests (SPEC SO35). */
export function socketioDocument(path: string): ReturnType<OpenAPIHono["getOpenAPI31Document"]> {
  const app = new OpenAPIHono();
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
  });
  for (const [name, { summary, params, result }] of METHODS)
    app.openAPIRegistry.registerPath({
      method: "post",
      path: `/${name}`,
      summary,
      operationId: name,
      request: { body: { required: true, content: { "application/json": { schema: params } } } },
      responses: {
        200: { description: "Done", content: { "application/json": { schema: result } } },
        400: problem("The request is not valid, or has what cannot be sent"),
        401: problem("The API key is absent or wrong"),
        403: problem("The API key may only read"),
        413: problem("The request is too large"),
        429: problem("The API key is used too often"),
        503: problem("A room or a shard did not answer; it may have done a part"),
      },
    });
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Ringcast HTTP API for Socket.IO",
      version: PRODUCT_VERSION,
      description: "Other back ends emit to Socket.IO clients and command their sockets with these methods.",
    },
    servers: [{ url: path }],
    security: [{ apiKey: [] }],
  });
}
