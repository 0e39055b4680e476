import type * as z from "zod";
import { clusterSchema, type ClusterConfig } from "./cluster.ts";
import { faultsOf, sayFault } from "./faults.ts";
import { readForeignOptions } from "./foreign-options.ts";
import { missingPartner, namespaceSchema, type NamespaceConfig } from "./namespace.ts";
import { regionsIn } from "./regions.ts";
import { findPublishedSecrets, findWeakSecrets } from "./secrets.ts";
import { keptForRecoveryMs } from "./socketio.ts";
import { findMisspelt, NAMESPACE_PREFIX } from "./variable-names.ts";

/** The settings of a deployment. */
export type Config = {
  readonly cluster: ClusterConfig;
  /** The namespace of channels without a namespace in their names. */
  readonly defaultNamespace: NamespaceConfig;
  readonly namespaces: ReadonlyMap<string, NamespaceConfig>;
  /** The namespace of the broadcast channel. */
  readonly broadcast: NamespaceConfig;
  /** The options of Socket.IO's rooms; undefined where they keep nothing. */
  readonly rooms: NamespaceConfig | undefined;
};

/** The channels of this namespace belong to the cluster itself (SPEC FO6). */
export const RESERVED_NAMESPACE = "ringcast";

/** A setting is wrong. The message names the variable and the field (SPEC AU5). */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(...problems: readonly string[]) {
    super(problems.join("; "));
    this.problems = problems;
  }
}

/** The name of a personal channel after its namespace: `:#==` and a digest (policy/user-names.ts). */
const LONGEST_PERSONAL_REST = 4 + 64;

/**
 * Reads the configuration from a Worker's variables.
 *
 * `RINGCAST` has the settings of the cluster. The fields of `RINGCAST_OVERRIDES` replace those of `RINGCAST`; `npm start`
 * and the tests set them. `RINGCAST_NS_<name>` has the options of one namespace, and `RINGCAST_NS_DEFAULT` those of
 * channels without a namespace. Each variable is a table or the JSON text of a table. Throws {@link ConfigError}.
 */
export function parseConfig(variables: Readonly<Record<string, unknown>>): Config {
  const slips = [...findMisspelt(Object.keys(variables)), ...findWeakSecrets(variables)];
  if (slips.length > 0) throw new ConfigError(...slips);
  const base = readTable("RINGCAST", variables["RINGCAST"]);
  const overrides = readTable("RINGCAST_OVERRIDES", variables["RINGCAST_OVERRIDES"]);
  const cluster = check("RINGCAST", clusterSchema, merge(base, overrides));
  // `npm start`, a template's `npm run dev` and tests work with them.
  const published = cluster.development ? [] : findPublishedSecrets(variables);
  if (published.length > 0) throw new ConfigError(...published);
  if (cluster.webhook !== undefined && !isSecret(variables["WEBHOOK_SECRET"]))
    throw new ConfigError(
      'WEBHOOK_SECRET: a webhook needs this secret as base64 text of 24 to 64 bytes, with or without "whsec_" before it',
    );
  checkScale(cluster);
  checkJurisdiction(cluster);
  const namespaces = new Map<string, NamespaceConfig>();
  let defaultNamespace = namespaceSchema.parse({});
  for (const [name, value] of Object.entries(variables)) {
    if (!name.startsWith(NAMESPACE_PREFIX)) continue;
    const namespace = readNamespace(name, value);
    const short = name.slice(NAMESPACE_PREFIX.length);
    if (short === RESERVED_NAMESPACE)
      throw new ConfigError(`${name}: the namespace "${RESERVED_NAMESPACE}" is the cluster's own`);
    if (short === "DEFAULT") defaultNamespace = namespace;
    else namespaces.set(short, namespace);
  }
  checkPersonalChannel(cluster, namespaces);
  const { historySize, historyTtlMs } = cluster.broadcast;
  const broadcast: NamespaceConfig = {
    ...namespaceSchema.parse({}),
    history_size: historySize,
    history_ttl: historyTtlMs,
    force_recovery: true,
  };
  return { cluster, defaultNamespace, namespaces, broadcast, rooms: roomsOf(cluster) };
}

/** Whether the settings ask for `development`, also where another one of them is wrong. */
export function wantsDevelopment(variables: {
  readonly RINGCAST?: unknown;
  readonly RINGCAST_OVERRIDES?: unknown;
}): boolean {
  const { RINGCAST, RINGCAST_OVERRIDES } = variables;
  try {
    const [base, overrides] = [
      readTable("RINGCAST", RINGCAST),
      readTable("RINGCAST_OVERRIDES", RINGCAST_OVERRIDES),
    ];
    return merge(base, overrides)["development"] === true;
  } catch {
    return false;
  }
}

/** A room keeps for as long as a session may come back what one client may resume (SPEC SO45). */
function roomsOf(cluster: ClusterConfig): NamespaceConfig | undefined {
  const keptMs = keptForRecoveryMs(cluster);
  if (keptMs === undefined) return undefined;
  return {
    ...namespaceSchema.parse({}),
    history_size: cluster.limits.recoveryMaxPublications,
    history_ttl: keptMs,
    history_meta_ttl: keptMs,
    force_recovery: true,
  };
}

/** Bounds and marks that contradict each other would leave the scaling policy without a decision (SPEC EL1, EL3). */
function checkJurisdiction({ shards: { jurisdiction, defaultRegion } }: ClusterConfig): void {
  if (regionsIn(jurisdiction).includes(defaultRegion)) return;
  throw new ConfigError(
    `RINGCAST.shards.defaultRegion: ${defaultRegion} is outside the jurisdiction ${jurisdiction}`,
  );
}

function checkScale({ scale, shards }: ClusterConfig): void {
  const { min, target, mark, pressureMark } = scale;
  if (min !== undefined && min > shards.max)
    throw new ConfigError(
      `RINGCAST.scale.min: ${min} shards are more than shards.max, which is ${shards.max}`,
    );
  if (target >= mark)
    throw new ConfigError(`RINGCAST.scale.target: it must be below scale.mark, which is ${mark}`);
  if (mark > pressureMark)
    throw new ConfigError(
      `RINGCAST.scale.mark: it must not be above scale.pressureMark, which is ${pressureMark}`,
    );
}

/** The user's own channel is in a namespace that exists, and its name is short enough for every user (SPEC AU21). */
function checkPersonalChannel(
  { personalChannel, limits }: ClusterConfig,
  namespaces: ReadonlyMap<string, NamespaceConfig>,
): void {
  const { enabled, namespace } = personalChannel;
  if (!enabled) return;
  if (namespace !== "" && !namespaces.has(namespace))
    throw new ConfigError(
      `RINGCAST.personalChannel.namespace: there is no variable ${NAMESPACE_PREFIX}${namespace}`,
    );
  const most = namespace.length + LONGEST_PERSONAL_REST;
  if (limits.channelBytes < most)
    throw new ConfigError(
      `RINGCAST.limits.channelBytes: the names of personal channels have up to ${most} bytes`,
    );
}

/** A secret of Standard Webhooks has 24 to 64 bytes. */
const isSecret = (secret: unknown): boolean =>
  typeof secret === "string" && /^(whsec_)?[A-Za-z0-9+/]{32,88}={0,2}$/.test(secret);

function readNamespace(name: string, value: unknown): NamespaceConfig {
  const { own, refused } = readForeignOptions(readTable(name, value));
  if (refused.length > 0)
    throw new ConfigError(
      ...refused.map((option) => `${name}.${option}: Ringcast does not have this option of Centrifugo`),
    );
  const namespace = check(name, namespaceSchema, own);
  const missing = missingPartner(namespace);
  if (missing !== undefined) throw new ConfigError(`${name}.${missing}`);
  return namespace;
}

function readTable(name: string, value: unknown): Record<string, unknown> {
  if (value === undefined) return {};
  let table = value;
  if (typeof value === "string") {
    try {
      table = JSON.parse(value);
    } catch {
      throw new ConfigError(`${name} is not JSON`);
    }
  }
  if (!isTable(table)) throw new ConfigError(`${name} must be a table`);
  return table;
}

function check<Schema extends z.ZodType>(name: string, schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value, { error: sayFault });
  if (parsed.success) return parsed.data;
  const problems = faultsOf(parsed.error).map(
    ({ path, message }) => `${[name, ...path].join(".")}: ${message}`,
  );
  throw new ConfigError(...problems);
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function merge(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...base };
  for (const [field, value] of Object.entries(over)) {
    const under = merged[field];
    merged[field] = isTable(under) && isTable(value) ? merge(under, value) : value;
  }
  return merged;
}
