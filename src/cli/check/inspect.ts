import { ConfigError, parseConfig, wantsDevelopment } from "../../config/config.ts";
import { NAMESPACE_PREFIX } from "../../config/variable-names.ts";
import { findStorage, type Exports, type Migration } from "./storage.ts";

type Binding = {
  readonly name: string;
  readonly class_name: string;
  readonly script_name?: string | undefined;
};

/** One environment of a Worker, as Wrangler reads it; `environment` is undefined for the top level. */
export type Deployment = {
  readonly environment: string | undefined;
  readonly bindings: readonly Binding[];
  readonly migrations: readonly Migration[];
  readonly exports: Exports;
  readonly vars: Readonly<Record<string, unknown>>;
  /** The secrets without which Wrangler refuses to deploy; undefined where the configuration has no such list. */
  readonly requiredSecrets: readonly string[] | undefined;
  readonly compatibilityFlags: readonly string[];
};

/** `error`: the cluster would not work. `warning`: it works, and something is probably not meant. */
export type Finding = { readonly level: "error" | "warning"; readonly message: string };

export type Inspected = {
  readonly environment: string | undefined;
  /** The prefixes of the clusters; the usual one is empty. */
  readonly clusters: readonly string[];
  readonly findings: readonly Finding[];
};

const OBJECTS = { SHARD: "Shard", CHANNEL: "Channel", COORDINATOR: "Coordinator" } as const;
/** Without this flag a small compressed frame may become a large one: see wrangler.toml. */
const NO_COMPRESSION = "no_web_socket_compression";
/** It has the form that a webhook needs, and stands for the secret that only the deployment has. */
const SOME_WEBHOOK_SECRET = `whsec_${"A".repeat(32)}`;

/** What is missing or wrong in the configuration of a Worker with one or more clusters (SPEC FH9). */
export function inspect(deployment: Deployment): Inspected {
  const clusters = clustersIn(deployment);
  const findings = clusters.flatMap((prefix) => inspectCluster(deployment, prefix));
  if (!deployment.compatibilityFlags.includes(NO_COMPRESSION))
    findings.push(
      warning(
        `compatibility_flags: without "${NO_COMPRESSION}" a compressed frame of 29 KB may become 30 MB`,
      ),
    );
  return { environment: deployment.environment, clusters, findings };
}

/** The prefixes of names: a cluster has variables, or two of the three bindings, as another object may have such a name. */
function clustersIn({ bindings, vars }: Deployment): string[] {
  const ofVars = Object.keys(vars).flatMap(
    (name) => /^((?:[A-Z0-9_]+_)??)RINGCAST(?:_|$)/.exec(name)?.[1] ?? [],
  );
  const ofBindings = bindings.flatMap(
    ({ name }) => /^((?:\w+_)?)(?:SHARD|CHANNEL|COORDINATOR)$/.exec(name)?.[1] ?? [],
  );
  const twice = ofBindings.filter((prefix, n) => ofBindings.indexOf(prefix) !== n);
  const found = [...new Set([...ofVars, ...twice])];
  return found.length === 0 ? [""] : found.toSorted();
}

function inspectCluster(deployment: Deployment, prefix: string): Finding[] {
  const { bindings, vars } = deployment;
  const own = Object.fromEntries(
    Object.entries(vars).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
    ),
  );
  return [
    ...inspectObjects(deployment, prefix),
    ...inspectSettings(own, prefix),
    ...inspectFronts(own, { prefix, names: bindings.map(({ name }) => name) }),
    ...inspectSecrets(deployment, { own, prefix }),
  ];
}

function inspectObjects(
  { bindings, migrations, exports, environment }: Deployment,
  prefix: string,
): Finding[] {
  const findings: Finding[] = [];
  const storage = findStorage(migrations, exports);
  const isOwn = ({ name }: Binding): boolean =>
    Object.keys(OBJECTS).some((object) => name === prefix + object) || name.startsWith(`${prefix}SHARD_`);
  for (const [object, usual] of Object.entries(OBJECTS)) {
    const name = prefix + object;
    if (bindings.some((binding) => binding.name === name)) continue;
    const inherits =
      environment === undefined ? "" : "; an environment takes over no bindings of the top level";
    findings.push(
      error(
        `durable_objects.bindings: there is no ${name}, for example { "name": "${name}", "class_name": "${usual}" }${inherits}`,
      ),
    );
  }
  for (const { name, class_name, script_name } of bindings.filter(isOwn)) {
    // The migrations of a class of another Worker are that Worker's.
    if (script_name !== undefined) continue;
    switch (storage.get(class_name)) {
      case "sql":
        break;
      case "noSql":
        findings.push(
          error(
            `migrations: ${class_name}, the class of ${name}, has no SQLite; it needs new_sqlite_classes`,
          ),
        );
        break;
      case undefined:
        findings.push(error(`migrations: ${class_name}, the class of ${name}, is in no new_sqlite_classes`));
    }
  }
  return findings;
}

function inspectSettings(own: Readonly<Record<string, unknown>>, prefix: string): Finding[] {
  const findings: Finding[] = [];
  try {
    parseConfig({ WEBHOOK_SECRET: SOME_WEBHOOK_SECRET, ...own });
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    findings.push(...problem.problems.map((message) => error(`vars: ${prefix}${message}`)));
  }
  if (wantsDevelopment(own))
    findings.push(warning(`vars: ${prefix}RINGCAST.development is on: for local work only`));
  if (isOn(own["RINGCAST"], "insecure"))
    findings.push(
      warning(`vars: ${prefix}RINGCAST.insecure is on: every client may do everything, without a token`),
    );
  if (own["RINGCAST_OVERRIDES"] !== undefined)
    findings.push(
      warning(
        `vars: ${prefix}RINGCAST_OVERRIDES is for local work; a deployment has its settings in ${prefix}RINGCAST`,
      ),
    );
  return findings;
}

function inspectFronts(
  own: Readonly<Record<string, unknown>>,
  { prefix, names }: { readonly prefix: string; readonly names: readonly string[] },
): Finding[] {
  if (names.includes(`${prefix}SHARD_SOCKETIO`)) return [];
  const shared = Object.keys(own).filter(
    (name) => name.startsWith(NAMESPACE_PREFIX) && isOn(own[name], "socketio"),
  );
  return shared.map((name) =>
    warning(`vars: ${prefix}${name}.socketio is on, and there is no binding ${prefix}SHARD_SOCKETIO`),
  );
}

type Own = { readonly own: Readonly<Record<string, unknown>>; readonly prefix: string };

function inspectSecrets({ vars, requiredSecrets }: Deployment, { own, prefix }: Own): Finding[] {
  const needed = ["API_KEY", "READ_KEY", "TOKEN_HMAC_SECRET", ...(hasWebhook(own) ? ["WEBHOOK_SECRET"] : [])];
  const names = needed.map((name) => prefix + name);
  const open = names.filter((name) => vars[name] !== undefined);
  const findings = open.map((name) =>
    warning(
      `vars: ${name} is a secret, and its value can be read here: use "wrangler secret put ${name}" and .dev.vars`,
    ),
  );
  const unlisted = names.filter((name) => !open.includes(name) && requiredSecrets?.includes(name) !== true);
  if (unlisted.length === 0) return findings;
  const lost = requiredSecrets === undefined ? "" : ", and ignores them in .dev.vars";
  return [
    ...findings,
    warning(
      `secrets.required: without ${unlisted.join(", ")} Wrangler deploys a Worker that lacks them${lost}`,
    ),
  ];
}

const hasWebhook = (own: Readonly<Record<string, unknown>>): boolean =>
  tableOf(own["RINGCAST"])["webhook"] !== undefined;

const isOn = (value: unknown, option: string): boolean => tableOf(value)[option] === true;

/** A variable is a table or its JSON text; what is neither has been told as an error. */
function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  try {
    const table: unknown = typeof value === "string" ? JSON.parse(value) : value;
    return typeof table === "object" && table !== null ? (table as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const error = (message: string): Finding => ({ level: "error", message });
const warning = (message: string): Finding => ({ level: "warning", message });
