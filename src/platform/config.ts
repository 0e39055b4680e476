import { parseConfig, type Config } from "../config/config.ts";

const known = new WeakMap<object, Config>();

/** The configuration of a deployment, parsed once for each isolate. Throws `ConfigError`. */
export function configOf(env: RingcastEnv): Config {
  let config = known.get(env);
  if (config === undefined) {
    config = parseConfig(Object.fromEntries<unknown>(Object.entries(env)));
    known.set(env, config);
  }
  return config;
}
