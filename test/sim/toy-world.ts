import { Random } from "./random.ts";
import type { Release } from "./release.ts";
import { Rollout } from "./rollout.ts";
import { World } from "./world.ts";

/** A method of an object of a test. `ctx` is what the platform gives to the object. */
type Toy = Record<string, (ctx: DurableObjectState, ...args: any[]) => unknown>;

/** A world whose objects, of every class, have these methods. */
export function toyWorld(toy: Toy): World {
  function ToyObject(this: object, ctx: DurableObjectState): void {
    for (const [name, method] of Object.entries(toy))
      Object.assign(this, { [name]: (...args: unknown[]) => method(ctx, ...args) });
  }
  const code = {
    classesWith: () => ({ Shard: ToyObject, Channel: ToyObject, Coordinator: ToyObject }),
  } as unknown as Release;
  const named = { name: "toy", code, variables: {} };
  const rollout = new Rollout(new Random(1), { before: named, present: named }, "none");
  return new World(new Random(1), { trace: true, hooks: {}, rollout });
}

type Answer = { readonly value?: unknown; readonly error?: string };

/** Calls an object and lets the world run for ten seconds. The world goes on after a broken law. */
export async function ask(world: World, name: string, method: string, ...args: unknown[]): Promise<Answer> {
  const answers: Answer[] = [];
  world.outside(() => {
    const stub = world.stub(name) as Record<string, (...of: unknown[]) => Promise<unknown>>;
    void stub[method]?.(...args).then(
      (value) => answers.push({ value }),
      (error: unknown) => answers.push({ error: String(error) }),
    );
  });
  await world.run(world.clock.now + 10_000);
  return answers[0] ?? { error: "no answer" };
}
