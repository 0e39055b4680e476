import type { ClusterConfig } from "../config/cluster.ts";
import { ConfigError, type Config } from "../config/config.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { prefixOf } from "../platform/bindings.ts";
import { configOf } from "../platform/config.ts";
import { configuredDescriptor } from "../platform/configured.ts";
import { namespaceIn } from "../platform/jurisdiction.ts";
import { acceptOperator } from "../tokens/operator.ts";
import { createVerifier, type Verifier } from "../tokens/verifier.ts";
import type { Schemas } from "../typed/schemas.ts";
import { LateErrors } from "./late-errors.ts";
import { RefusedAddresses } from "./refused-addresses.ts";
import { refusalsOf } from "./refusals.ts";
import { RingCache } from "./ring-cache.ts";

/** The part of a deployment that is code. */
export type Code = { readonly hooks: Hooks; readonly schemas?: Schemas | undefined };

/** The parts that all requests of an isolate share. */
export type Parts = {
  readonly config: Config;
  readonly cluster: ClusterConfig;
  readonly hooks: Hooks;
  readonly schemas: Schemas | undefined;
  readonly verifier: Verifier;
  /** The newest ring that the isolate has seen (docs/platform.md P27). */
  readonly cache: RingCache;
  readonly lateErrors: LateErrors;
  readonly refused: RefusedAddresses;
};

export type PartsOf = (env: RingcastEnv) => Parts;

const OBJECTS = ["SHARD", "CHANNEL", "COORDINATOR"] as const;

/** Throws `ConfigError`. */
export function createParts(env: RingcastEnv, { hooks, schemas }: Code): Parts {
  // Without this check each request would fail in its own way, as if the fault could pass (SPEC PK5).
  const missing = OBJECTS.filter((name) => env[name] === undefined);
  if (missing.length > 0)
    throw new ConfigError(
      `there is no Durable Object binding ${missing.map((name) => prefixOf(env) + name).join(", ")}: the Worker's configuration binds the classes of createRingcast under these names, and has a migration with them in new_sqlite_classes; "npx ringcast check" looks for what is missing`,
    );
  const config = configOf(env);
  namespaceIn(env.COORDINATOR, config.cluster.shards.jurisdiction);
  const { cluster } = config;
  return {
    config,
    cluster,
    hooks,
    schemas,
    verifier: acceptOperator(
      createVerifier({
        tokens: cluster.tokens,
        hmacSecrets: [env.TOKEN_HMAC_SECRET, env.TOKEN_HMAC_SECRET_PREVIOUS],
      }),
      [env.API_KEY, env.API_KEY_PREVIOUS],
    ),
    cache: new RingCache(configuredDescriptor(config), refusalsOf(env)),
    lateErrors: new LateErrors(
      { maxMs: cluster.times.lateErrorMs, most: cluster.limits.lateErrors },
      Math.random,
      Date.now(),
    ),
    refused: new RefusedAddresses(),
  };
}
