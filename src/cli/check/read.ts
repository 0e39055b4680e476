import { existsSync } from "node:fs";
import { Failure } from "../failure.ts";
import type { Deployment } from "./inspect.ts";

/** In Wrangler's order. */
const CONFIG_FILES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/** A Worker's configuration file, and its environments: the top level first. */
export type Read = { readonly path: string; readonly deployments: readonly Deployment[] };

/** Reads a configuration as Wrangler does, and every environment in it unless one is named. Throws a {@link Failure}. */
export async function readDeployments(given: string | undefined, only: string | undefined): Promise<Read> {
  const path = given ?? CONFIG_FILES.find((file) => existsSync(file));
  if (path === undefined || !existsSync(path))
    throw new Failure(
      path === undefined ? `there is none of ${CONFIG_FILES.join(", ")} here` : `there is no file ${path}`,
    );
  const { unstable_readConfig: readConfig } = await importWrangler();
  const read = (environment: string | undefined) => {
    try {
      return readConfig(
        { config: path, ...(environment === undefined ? {} : { env: environment }) },
        { hideWarnings: true },
      );
    } catch (error) {
      throw new Failure(
        `Wrangler cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };
  const named = read(undefined).definedEnvironments ?? [];
  if (only !== undefined && !named.includes(only)) throw new Failure(`${path} has no environment ${only}`);
  const environments = only === undefined ? [undefined, ...named] : [only];
  return {
    path,
    deployments: environments.map((environment) => {
      const { durable_objects, migrations, exports, vars, secrets, compatibility_flags } = read(environment);
      return {
        environment,
        bindings: durable_objects.bindings,
        migrations,
        // Older versions of Wrangler know none.
        exports: exports ?? {},
        vars,
        requiredSecrets: secrets?.required,
        compatibilityFlags: compatibility_flags,
      };
    }),
  };
}

async function importWrangler(): Promise<typeof import("wrangler")> {
  try {
    return await import("wrangler");
  } catch {
    throw new Failure(
      "Wrangler reads the configuration, and is not installed here: npm install --save-dev wrangler",
    );
  }
}
