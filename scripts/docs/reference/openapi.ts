import { createAdmin } from "../../../src/router/admin/app.ts";
import { apiDocument } from "../../../src/router/api/document.ts";
import type { OpenApiDocument } from "../../../src/router/openapi.ts";
import { socketioDocument } from "../../../src/router/socketio-api/document.ts";
import { writeOpenApi } from "../../../src/router/openapi.ts";
import { cell, cited, code, page, table } from "../markdown.ts";

type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
};
type Content = { readonly content?: { readonly "application/json"?: { readonly schema: Schema } } };
type Operation = {
  readonly summary?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Schema;
    readonly description?: string;
  }[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content & { readonly description?: string }>>;
};

/** A document as Markdown: each method with its request and its answer. */
class Document {
  readonly #document: OpenApiDocument;
  constructor(document: OpenApiDocument) {
    this.#document = document;
  }

  methods(): string[] {
    const prefix = this.#document.servers?.[0]?.url ?? "";
    return Object.entries(this.#document.paths ?? {}).flatMap(([path, operations]) =>
      Object.entries(operations as Readonly<Record<string, Operation>>).flatMap(([verb, operation]) =>
        this.#method(`${verb.toUpperCase()} ${prefix}${path}`, operation),
      ),
    );
  }

  #method(title: string, { summary, parameters = [], requestBody, responses }: Operation): string[] {
    const asked = [
      ...parameters.map((one): Row => ({
        name: one.name,
        required: one.required === true,
        schema: { ...one.schema, description: one.description ?? one.schema.description ?? "" },
      })),
      ...this.#rows(requestBody),
    ];
    const answered = this.#rows(responses["200"] ?? responses["201"]);
    const result = answered.find(({ name }) => name === "result");
    return [
      `## ${title}`,
      (summary ?? "").replace(/\.?$/, "."),
      ...this.#fields("Request", asked),
      ...this.#fields("Result", result === undefined ? answered : this.#rowsOf(this.#resolve(result.schema))),
    ];
  }

  #rows(content: Content | undefined): Row[] {
    const schema = content?.content?.["application/json"]?.schema;
    return schema === undefined ? [] : this.#rowsOf(this.#resolve(schema));
  }

  #rowsOf({ properties = {}, required = [] }: Schema): Row[] {
    return Object.entries(properties).map(([name, schema]) => ({
      name,
      required: required.includes(name),
      schema: this.#resolve(schema),
    }));
  }

  #fields(title: string, rows: readonly Row[]): string[] {
    if (rows.length === 0) return [];
    return [
      table(
        [title, "", "what it is"],
        rows.map(({ name, required, schema }) => [
          `${code(name)}${required && title === "Request" ? " (needed)" : ""}`,
          cell(this.#typeOf(schema)),
          cell(cited(schema.description ?? "")),
        ]),
      ),
    ];
  }

  #resolve(schema: Schema): Schema {
    if (schema.$ref === undefined) return schema;
    const schemas = this.#document.components?.schemas as Readonly<Record<string, Schema>> | undefined;
    const found = schemas?.[schema.$ref.split("/").at(-1) ?? ""] ?? {};
    return {
      ...this.#resolve(found),
      ...(schema.description === undefined ? {} : { description: schema.description }),
    };
  }

  #typeOf(given: Schema): string {
    const schema = this.#resolve(given);
    if (schema.enum !== undefined) return schema.enum.map((one) => code(JSON.stringify(one))).join(" or ");
    if (schema.const !== undefined) return code(JSON.stringify(schema.const));
    const either = schema.anyOf ?? schema.oneOf;
    if (either !== undefined) return [...new Set(either.map((one) => this.#typeOf(one)))].join(" or ");
    if (schema.items !== undefined) return `list of ${this.#typeOf(schema.items)}`;
    if (schema.properties !== undefined)
      return `{ ${Object.keys(schema.properties)
        .map((name) => code(name))
        .join(", ")} }`;
    if (typeof schema.additionalProperties === "object")
      return `map to ${this.#typeOf(schema.additionalProperties)}`;
    return [schema.type ?? "any JSON"].flat().join(" or ");
  }
}
type Row = { readonly name: string; readonly required: boolean; readonly schema: Schema };

/** docs/reference/server-api.md */
export const serverApiPage = (): string =>
  page(
    "Server API",
    "the schemas of src/router/api",
    `Back ends call these methods with \`POST\`, JSON and the API key in \`X-API-Key\`
([Publish from a back end](../guides/server-api.md)). An answer is 200 with \`result\` or \`error\`
([Codes](codes.md#errors)). \`/api\` of a running cluster shows the same, and \`/api/openapi.json\` is the document for
programs. The reading key may call \`presence\`, \`presence_stats\`, \`history\`, \`channels\` and \`info\`.`,
    ...new Document(apiDocument("/api")).methods(),
  );

/** docs/reference/operators-api.md */
export const operatorsApiPage = (): string =>
  page(
    "Operator's API",
    "the routes of src/router/admin",
    `Operators read and change the cluster with the API key in \`X-API-Key\`; the reading key reads
([Change the ring](../operate/ring.md)). \`/admin/api/openapi.json\` of a running cluster is the document for programs.`,
    ...new Document(writeOpenApi({ title: "", path: "/admin/api", paths: createAdmin().paths })).methods(),
  );

/** docs/reference/socketio-api.md */
export const socketioApiPage = (): string =>
  page(
    "HTTP API for Socket.IO",
    "the schemas of src/router/socketio-api",
    `Back ends emit to Socket.IO clients and command their sockets with \`POST\`, JSON and the API key in \`X-API-Key\`
([From Socket.IO](../from-socket-io.md#a-server)). \`/socket.io/api/openapi.json\` is the document for programs.`,
    ...new Document(socketioDocument("/socket.io/api")).methods(),
  );
