import * as z from "zod";
import { jsonOf, writeOpenApi, type OpenApiDocument } from "../openapi.ts";
import { MEANINGS } from "./answer.ts";
import type { Method } from "./method.ts";
import { METHODS } from "./methods.ts";
import { batchResult } from "./schemas/commands.ts";

let document: OpenApiDocument | undefined;

/** The OpenAPI document of the server API under a path, made of the schemas that check its requests (SPEC AP6). */
export function apiDocument(path: string): OpenApiDocument {
  document ??= writeOpenApi({
    title: "Ringcast server API",
    description:
      "Back ends publish and manage their users with these methods. Compatible with Centrifugo's server API.",
    path,
    paths: Object.fromEntries(
      [...METHODS].map(([name, method]) => [`/${name}`, { post: write(name, method) }]),
    ),
  });
  return { ...document, servers: [{ url: path }] };
}

const inTransportMode = (errors: string) => ({
  description: `With \`X-Centrifugo-Error-Mode: transport\`: ${errors}`,
});

const error = z.object({ code: z.number().int(), message: z.string() });

function write(name: string, method: Method) {
  const answer =
    method.kind === "batch"
      ? z.object({ ...batchResult.partial().shape, error: error.optional() })
      : z.object({ result: method.result.optional(), error: error.optional() });
  return {
    operationId: name,
    summary: method.summary,
    requestBody: { required: true, content: jsonOf(method.params) },
    responses: {
      200: { description: "`result` or `error`", content: jsonOf(answer) },
      ...Object.fromEntries([...MEANINGS].map(([status, errors]) => [status, inTransportMode(errors)])),
      400: inTransportMode(`${MEANINGS.get(400)}. In either mode: the request is not JSON`),
      401: { description: "The API key is absent or wrong" },
      413: { description: "The request is too large" },
      429: { description: "The API key is used too often" },
    },
  };
}
