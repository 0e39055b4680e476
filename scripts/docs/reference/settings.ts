import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { ESTree } from "vite";
import * as z from "zod";
import { clusterSchema } from "../../../src/config/cluster.ts";
import { namespaceSchema } from "../../../src/config/namespace.ts";
import { Source } from "../comments.ts";
import { cell, cited, code, page, table } from "../markdown.ts";

type Schema = {
  readonly type?: string;
  readonly pattern?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly unknown[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
};

/** The values of `export const` and `const` in src/config, by name. */
const CONSTANTS = new Map<string, { readonly source: Source; readonly value: ESTree.Expression }>();
/** What a comment says of a constant, by the constant's name. */
const ABOUT = new Map<string, string>();
const folder = join(import.meta.dirname, "../../../src/config");
for (const file of readdirSync(folder)) {
  const source = new Source(join(folder, file));
  for (const statement of source.statements) {
    const declaration = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (declaration?.type !== "VariableDeclaration") continue;
    for (const { id, init } of declaration.declarations) {
      if (id.type !== "Identifier" || init === null) continue;
      CONSTANTS.set(id.name, { source, value: init });
      ABOUT.set(id.name, source.before(statement));
    }
  }
}

/** A comment on each field of a schema, by the path of the field; a table's comment has the path of the table. */
export function commentsOf(name: string, path = "", found = new Map<string, string>()): Map<string, string> {
  const constant = CONSTANTS.get(name);
  if (constant !== undefined) walk(constant.source, constant.value, path, found);
  return found;
}

function walk(source: Source, value: ESTree.Expression, path: string, found: Map<string, string>): void {
  if (value.type === "Identifier") {
    const about = ABOUT.get(value.name);
    if (about !== undefined && about !== "" && !found.has(path)) found.set(path, about);
    commentsOf(value.name, path, found);
  } else if (value.type === "CallExpression") {
    // `z.strictObject({ ... }).prefault({})`: the fields are in the first call of the chain.
    const { callee } = value;
    if (callee.type !== "MemberExpression") return;
    if (callee.property.type === "Identifier" && callee.property.name === "strictObject") {
      const [fields] = value.arguments;
      if (fields?.type !== "ObjectExpression") return;
      for (const field of fields.properties) {
        if (field.type !== "Property" || field.key.type !== "Identifier") continue;
        const inner = path === "" ? field.key.name : `${path}.${field.key.name}`;
        const comment = source.before(field);
        if (comment !== "") found.set(inner, comment);
        walk(source, field.value, inner, found);
      }
    } else {
      for (const one of value.arguments)
        if (one.type === "ArrayExpression")
          for (const element of one.elements)
            if (element !== null && element.type !== "SpreadElement") walk(source, element, path, found);
      walk(source, callee.object, path, found);
    }
  }
}

type Field = { readonly path: string; readonly schema: Schema };

/** The fields of a schema. A field that is a table gives its own fields. */
function fieldsOf(schema: Schema, path = ""): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, one]) => {
    const inner = path === "" ? name : `${path}.${name}`;
    if (one.properties !== undefined) return fieldsOf(one, inner);
    const tables = (one.anyOf ?? []).filter(({ properties }) => properties !== undefined);
    return [{ path: inner, schema: one }, ...tables.flatMap((each) => fieldsOf(each, inner))];
  });
}

const number = (value: number): string => value.toLocaleString("en");

function valuesOf({ type, pattern, minimum, maximum, enum: values, items, anyOf }: Schema): string {
  if (values !== undefined) return values.map((one) => code(JSON.stringify(one))).join(", ");
  if (items !== undefined) return `list of ${valuesOf(items)}`;
  if (anyOf !== undefined)
    return anyOf.map((one) => (one.properties === undefined ? valuesOf(one) : "table")).join(" or ");
  if (type === "boolean") return "`true`, `false`";
  if (minimum !== undefined && maximum !== undefined) return `${number(minimum)} to ${number(maximum)}`;
  if (pattern?.includes("ms") === true) return 'time, such as `"5m"`';
  return type === "string" ? "text" : (type ?? "");
}

const isDuration = ({ pattern }: Schema): boolean => pattern?.includes("ms") === true;

const shown = (value: unknown): string =>
  value === undefined
    ? ""
    : typeof value === "number"
      ? number(value)
      : code(typeof value === "string" ? `"${value}"` : JSON.stringify(value));

/** A setting of the configuration, as the reference shows it. */
export type Setting = Field & { readonly default: string; readonly about: string };

function settingsOf(schema: z.ZodObject, name: string): Setting[] {
  const comments = commentsOf(name);
  const defaults = defaultsOf(schema);
  return fieldsOf(z.toJSONSchema(schema, { io: "input" }) as Schema).map(({ path, schema: one }) => ({
    path,
    schema: one,
    default: isDuration(one)
      ? code(`"${Number(read(defaults, path)) / 3_600_000}h"`)
      : shown(one.default ?? read(defaults, path)),
    about: [outer(comments, path), comments.get(path)].filter(Boolean).join(" "),
  }));
}

/** The comment on a table within a table stands with its first field. */
const outer = (comments: ReadonlyMap<string, string>, path: string): string | undefined =>
  /^\w+\.\w+\.max\b/.test(path) ? comments.get(path.slice(0, path.lastIndexOf("."))) : undefined;

/** What an empty table stands for; the webhook is absent there, so that its fields show their own defaults. */
const defaultsOf = (schema: z.ZodObject): unknown => schema.parse({});
const read = (value: unknown, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>(
      (one, name) =>
        typeof one === "object" && one !== null ? (one as Record<string, unknown>)[name] : undefined,
      value,
    );

export const clusterSettings = (): Setting[] => settingsOf(clusterSchema, "clusterSchema");
export const namespaceSettings = (): Setting[] => settingsOf(namespaceSchema, "namespaceSchema");

const HEAD = ["setting", "default", "values", "what it does"];
const rowOf = ({ path, default: value, schema, about }: Setting): string[] => [
  code(path),
  value,
  valuesOf(schema),
  cell(cited(about)),
];

/** docs/reference/settings.md */
export function settingsPage(): string {
  const cluster = clusterSettings();
  const groups = Map.groupBy(cluster, ({ path }) => (path.includes(".") ? path.split(".")[0] : ""));
  const about = commentsOf("clusterSchema");
  return page(
    "Settings",
    "src/config",
    `The variable \`RINGCAST\` has the settings of the cluster, and each variable \`RINGCAST_NS_<name>\` the options of a
namespace ([Configure](../guides/configure.md)). A field that is not known, or has a value outside its bounds, is an error
that names the field. Times are ms unless they are written like \`"5m"\`.`,
    "## Cluster",
    ...[...groups].flatMap(([group, settings]) => [
      ...(group === "" || group === undefined
        ? []
        : [`### ${group}`, cited(about.get(group) ?? "")].filter(Boolean)),
      table(HEAD, settings.map(rowOf)),
    ]),
    "## Namespace",
    cited(ABOUT.get("namespaceSchema") ?? ""),
    table(HEAD, namespaceSettings().map(rowOf)),
  );
}
