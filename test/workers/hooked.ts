import type { Hooks } from "../../src/hooks/hooks.ts";
import { createRingcast } from "../../src/ringcast.ts";

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** The hooks of the deployment. A test sets its own, because it runs in the isolate of the Worker. */
export const hooks: Writable<Hooks> = {};

export function forgetHooks(): void {
  for (const name of Object.keys(hooks) as (keyof Hooks)[]) delete hooks[name];
}

const { handler, Shard, Channel, Coordinator } = createRingcast({ hooks });

export default handler;
export { Shard, Channel, Coordinator };
