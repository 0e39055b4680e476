import type { Hooks } from "../../src/hooks/hooks.ts";
import { createRingcast } from "../../src/ringcast.ts";

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** What the deployment decides; each test has its own, as it runs in the isolate of the Worker. */
export const hooks: Writable<Hooks> = {};

export function forgetHooks(): void {
  for (const name of Object.keys(hooks) as (keyof Hooks)[]) delete hooks[name];
}

const { handler, Shard, Channel, Coordinator } = createRingcast({ hooks });

export default handler;
export { Shard, Channel, Coordinator };
