import { FIRST_FRONT } from "../contracts/address.ts";
import type { Shard } from "../shard/shard.ts";

const PREFIX = "SHARD_";

/** The fronts that this deployment has a binding for; orders, status and counts cover these (SPEC FR2). */
export function frontsOf(env: Cloudflare.Env): readonly string[] {
  // A variable of such a name is text.
  const others = Object.keys(env).filter(
    (name) => name.startsWith(PREFIX) && typeof Reflect.get(env, name) !== "string",
  );
  return [FIRST_FRONT, ...others.map((name) => name.slice(PREFIX.length).toLowerCase())];
}

/** The shards of a further front. Throws where the deployment has no binding for it. */
export function namespaceOfFront(env: Cloudflare.Env, front: string): DurableObjectNamespace<Shard> {
  const name: `SHARD_${string}` = `${PREFIX}${front.toUpperCase()}`;
  const namespace = env[name];
  if (namespace === undefined) throw new Error(`there is no binding ${name} for the front ${front}`);
  return namespace;
}
