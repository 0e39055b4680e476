// The JSON schema of the settings, for editors: that of Wrangler's configuration, with Ringcast's variables (SPEC FH8).
import * as z from "zod";
import { clusterSchema } from "../../src/config/cluster.ts";
import { FOREIGN_NAMES } from "../../src/config/foreign-options.ts";
import { namespaceSchema } from "../../src/config/namespace.ts";
import { commentsOf } from "./reference/settings.ts";

export type JsonSchema = {
  description?: string;
  properties?: Record<string, JsonSchema>;
  anyOf?: JsonSchema[];
  [field: string]: unknown;
};

/** From the file in the package to Wrangler's own schema: both packages are in one `node_modules`. */
const WRANGLERS = "../../wrangler/config-schema.json";

/** The schema of a `wrangler.jsonc` or `wrangler.toml`. Variables may have a prefix (`createRingcast({ prefix })`). */
export function settingsSchema(): JsonSchema {
  const tableOf = (schema: z.ZodType, name: string): JsonSchema => {
    const { $schema: _, ...table } = z.toJSONSchema(schema, { io: "input", target: "draft-7" });
    return described(table as JsonSchema, commentsOf(name));
  };
  const vars = {
    type: "object",
    properties: {
      RINGCAST: { $ref: "#/definitions/cluster" },
      RINGCAST_NS_DEFAULT: { $ref: "#/definitions/namespace" },
    },
    patternProperties: {
      "^([A-Z0-9_]+_)?RINGCAST$": { $ref: "#/definitions/cluster" },
      "^([A-Z0-9_]+_)?RINGCAST_NS_.+$": { $ref: "#/definitions/namespace" },
    },
  };
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Wrangler's configuration with the settings of Ringcast",
    allOf: [{ $ref: WRANGLERS }],
    properties: {
      vars: { $ref: "#/definitions/vars" },
      env: { additionalProperties: { properties: { vars: { $ref: "#/definitions/vars" } } } },
    },
    definitions: {
      vars,
      // A table, or its JSON text.
      cluster: orText(tableOf(clusterSchema, "clusterSchema")),
      namespace: orText(withForeign(tableOf(namespaceSchema, "namespaceSchema"))),
    },
    allowTrailingCommas: true,
  };
}

/** Options of Centrifugo that Ringcast does not have may be there where they ask for nothing (SPEC AU22). */
const withForeign = ({ properties, ...table }: JsonSchema): JsonSchema => ({
  ...table,
  properties: { ...properties, ...Object.fromEntries(FOREIGN_NAMES.map((name) => [name, {}])) },
});

const orText = (table: JsonSchema): JsonSchema => ({ anyOf: [table, { type: "string" }] });

/** A schema with the comment of each field; `path` is that of the table. */
function described(json: JsonSchema, comments: ReadonlyMap<string, string>, path = ""): JsonSchema {
  const { properties, anyOf } = json;
  const field = ([name, one]: [string, JsonSchema]): [string, JsonSchema] => {
    const inner = path === "" ? name : `${path}.${name}`;
    const text = plain(comments.get(inner) ?? "");
    return [name, { ...(text === "" ? {} : { description: text }), ...described(one, comments, inner) }];
  };
  return {
    ...json,
    ...(anyOf === undefined ? {} : { anyOf: anyOf.map((one) => described(one, comments, path)) }),
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties).map(field)) }),
  };
}

/** One paragraph, without the places in this repository that a comment cites. */
const plain = (text: string): string =>
  text.replaceAll(/\s+/g, " ").replaceAll(/ \((?:SPEC|docs\/)[^)]*\)/g, "");
