/** The names by which a cluster reads the Worker's `env`. */
export type ReadEnv = (env: Cloudflare.Env) => RingcastEnv;

/** The `env` of the Worker itself, and the prefix, where the `env` of the cluster is another one. */
const workers = new WeakMap<RingcastEnv, { readonly env: Cloudflare.Env; readonly prefix: string }>();

/**
 * Reads the bindings and variables whose names begin with a prefix, as if they had no prefix, and sees no others. So two
 * clusters live in one Worker, and one cluster beside bindings that have its names for another purpose (SPEC PK6).
 */
export function readEnvWith(prefix: string): ReadEnv {
  if (prefix === "") return (env) => env as RingcastEnv;
  const known = new WeakMap<object, RingcastEnv>();
  return (env) => {
    const before = known.get(env);
    if (before !== undefined) return before;
    const named = Object.entries<unknown>({ ...env }).filter(([name]) => name.startsWith(prefix));
    const own: object = Object.fromEntries(named.map(([name, value]) => [name.slice(prefix.length), value]));
    const read = own as RingcastEnv;
    known.set(env, read);
    workers.set(read, { env, prefix });
    return read;
  };
}

/** The `env` that hooks get: all of the Worker's bindings under their own names. */
export const workerEnv = (env: RingcastEnv): Cloudflare.Env => workers.get(env)?.env ?? env;

/** The beginning of the names of a cluster's bindings and variables. */
export const prefixOf = (env: RingcastEnv): string => workers.get(env)?.prefix ?? "";
