import { OpenAPIHono, z } from "@hono/zod-openapi";
import { PRODUCT_VERSION } from "../../version.ts";
import { MEANINGS } from "./answer.ts";
import { METHODS } from "./methods.ts";
import { batchResult } from "./schemas/commands.ts";

type Document = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;

let document: Document | undefined;

/** The OpenAPI document of the server API, made of the schemas that check its requests (SPEC AP6). */
export function apiDocument(): Document {
  document ??= write();
  return document;
}

const inTransportMode = (errors: string) => ({
  description: `With \`X-Centrifugo-Error-Mode: transport\`: ${errors}`,
});

function write(): Document {
  const app = new OpenAPIHono();
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
  });
  const error = z.object({ code: z.number().int(), message: z.string() });
  for (const [name, method] of METHODS) {
    const answer =
      method.kind === "batch"
        ? z.object({ ...batchResult.partial().shape, error: error.optional() })
        : z.object({ result: method.result.optional(), error: error.optional() });
    app.openAPIRegistry.registerPath({
      method: "post",
      path: `/${name}`,
      summary: method.summary,
      operationId: name,
      request: { body: { required: true, content: { "application/json": { schema: method.params } } } },
      responses: {
        200: { description: "`result` or `error`", content: { "application/json": { schema: answer } } },
        ...Object.fromEntries([...MEANINGS].map(([status, errors]) => [status, inTransportMode(errors)])),
        400: inTransportMode(`${MEANINGS.get(400)}. In either mode: the request is not JSON`),
        401: { description: "The API key is absent or wrong" },
        413: { description: "The request is too large" },
        429: { description: "The API key is used too often" },
      },
    });
  }
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Ringcast server API",
      version: PRODUCT_VERSION,
      description:
        "Back ends publish and manage their users with these methods. Compatible with Centrifugo's server API.",
    },
    servers: [{ url: "/api" }],
    security: [{ apiKey: [] }],
  });
}
