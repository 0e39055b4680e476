import { FIRST_FRONT } from "../contracts/address.ts";
import type { Shard } from "../shard/shard.ts";

const PREFIX = "SHARD_";

/** The fronts that this deployment has a binding for; orders, status and counts cover these (SPEC FR2). */
export function frontsOf(env: RingcastEnv): readonly string[] {
  const others = Object.keys(env).filter(
    (name) => name.startsWith(PREFIX) && isNamespace(Reflect.get(env, name)),
  );
  return [FIRST_FRONT, ...others.map((name) => name.slice(PREFIX.length).toLowerCase())];
}

/** A variable, or another kind of binding, may have such a name too. */
const isNamespace = (binding: unknown): boolean =>
  typeof binding === "object" && binding !== null && "getByName" in binding;

/** The shards of a further front, where the deployment has a binding for it. */
export function bindingOfFront(env: RingcastEnv, front: string): DurableObjectNamespace<Shard> | undefined {
  return env[bindingName(front)];
}

const bindingName = (front: string): `SHARD_${string}` => `${PREFIX}${front.toUpperCase()}`;

/** The shards of a further front. Throws where the deployment has no binding for it. */
export function namespaceOfFront(env: RingcastEnv, front: string): DurableObjectNamespace<Shard> {
  const namespace = bindingOfFront(env, front);
  if (namespace === undefined)
    throw new Error(`there is no binding ${bindingName(front)} for the front ${front}`);
  return namespace;
}
