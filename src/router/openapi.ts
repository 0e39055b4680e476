import { createDocument, type ZodOpenApiPathsObject } from "zod-openapi";
import { PRODUCT_VERSION } from "../version.ts";

export type OpenApiDocument = ReturnType<typeof createDocument>;

/**
 * The OpenAPI document of an API, made of the schemas that check its requests. `.meta()` of a schema has its description
 * and its example; its `id` is its name among the components.
 */
export function writeOpenApi(api: {
  readonly title: string;
  readonly description?: string;
  /** The path that the API is under. */
  readonly path: string;
  readonly paths: ZodOpenApiPathsObject;
}): OpenApiDocument {
  const { title, description, path, paths } = api;
  return createDocument(
    {
      openapi: "3.1.0",
      info: { title, version: PRODUCT_VERSION, ...(description === undefined ? {} : { description }) },
      servers: [{ url: path }],
      security: [{ apiKey: [] }],
      components: {
        securitySchemes: { apiKey: { type: "apiKey", in: "header", name: "X-API-Key" } },
      },
      paths,
    },
    {
      override({ jsonSchema, io }) {
        // A later release may add fields to an answer, and a client that was made of this document has to take them.
        if (io === "output" && jsonSchema.additionalProperties === false)
          delete jsonSchema.additionalProperties;
      },
    },
  );
}

export const jsonOf = <Schema>(schema: Schema) => ({ "application/json": { schema } });
