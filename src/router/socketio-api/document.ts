import { errorBody } from "../admin/schemas/common.ts";
import { jsonOf, writeOpenApi, type OpenApiDocument } from "../openapi.ts";
import { METHODS } from "./methods.ts";

const problem = (description: string) => ({ description, content: jsonOf(errorBody) });

/** The OpenAPI document of the HTTP API for Socket.IO, made of the schemas that check its requests (SPEC SO35). */
export function socketioDocument(path: string): OpenApiDocument {
  const operations = [...METHODS].map(([name, { summary, params, result }]) => ({
    operationId: name,
    summary,
    requestBody: { required: true, content: jsonOf(params) },
    responses: {
      200: { description: "Done", content: jsonOf(result) },
      400: problem("The request is not valid, or has what cannot be sent"),
      401: problem("The API key is absent or wrong"),
      403: problem("The API key may only read"),
      413: problem("The request is too large"),
      429: problem("The API key is used too often"),
      503: problem("A room or a shard did not answer; it may have done a part"),
    },
  }));
  return writeOpenApi({
    title: "Ringcast HTTP API for Socket.IO",
    description: "Other back ends emit to Socket.IO clients and command their sockets with these methods.",
    path,
    paths: Object.fromEntries(operations.map((post) => [`/${post.operationId}`, { post }])),
  });
}
