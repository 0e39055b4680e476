import { ConfigError, parseConfig, type Config } from "../config/config.ts";
import { prefixOf } from "./bindings.ts";

const known = new WeakMap<object, Config>();

/** The configuration of a deployment, parsed once for each isolate. Throws `ConfigError`. */
export function configOf(env: RingcastEnv): Config {
  let config = known.get(env);
  if (config === undefined) {
    config = parse(env);
    known.set(env, config);
  }
  return config;
}

/** A problem begins with the name of its variable, as the Worker has it. */
function parse(env: RingcastEnv): Config {
  try {
    return parseConfig(Object.fromEntries<unknown>(Object.entries(env)));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(...error.problems.map((problem) => prefixOf(env) + problem));
  }
}
