import type { Config } from "./config.ts";
import { parseConfig } from "./config.ts";
import { NAMESPACE_PREFIX } from "./variable-names.ts";

/** A setting as it is in force. `isDefault`: nobody has set it, or to the value that it has anyway. */
export type Setting = { readonly name: string; readonly value: unknown; readonly isDefault: boolean };

/** The settings in force, each under the name by which a deployment sets it, without secrets (SPEC OP23). */
export function effectiveSettings({ cluster, defaultNamespace, namespaces }: Config): Setting[] {
  const defaults = parseConfig({});
  const tables: readonly (readonly [string, object, object])[] = [
    ["RINGCAST", cluster, defaults.cluster],
    [`${NAMESPACE_PREFIX}DEFAULT`, defaultNamespace, defaults.defaultNamespace],
    ...[...namespaces].map(
      ([name, options]) => [`${NAMESPACE_PREFIX}${name}`, options, defaults.defaultNamespace] as const,
    ),
  ];
  return tables.flatMap(([name, table, standard]) => {
    const known = new Map(leaves(name, standard).map(([path, value]) => [path, JSON.stringify(value)]));
    return leaves(name, table).map(([path, value]) => ({
      name: path,
      value: typeof value === "string" ? withoutSecrets(value) : value,
      isDefault: known.get(path) === JSON.stringify(value),
    }));
  });
}

/** The values that are no tables, by their paths. A list is a value. */
function leaves(path: string, value: unknown): (readonly [string, unknown])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return value === undefined ? [] : [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) => leaves(`${path}.${name}`, inner));
}

/** The address of a back end may carry a password, or a token in its query. */
const withoutSecrets = (text: string): string =>
  text.replace(
    /^(\w+:\/\/)([^/?#]*@)?([^?#]*)([?#].*)?$/su,
    (_, scheme: string, user: string | undefined, rest: string, query: string | undefined) =>
      `${scheme}${user === undefined ? "" : "(hidden)@"}${rest}${query === undefined ? "" : "?(hidden)"}`,
  );
