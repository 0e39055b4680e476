import { BINDINGS, SOCKETIO_BINDING } from "./objects.ts";
import type { Classes, Hooks } from "./release.ts";
import type { NamedRelease } from "./releases.ts";
import { SOCKETIO_VARIABLES } from "./variables.ts";

type Variables = NamedRelease["variables"];
type Stubs = { stub(name: string): object };

/** The variables, bindings and classes of a release, for one world at a time. */
export class Deployment {
  readonly release: NamedRelease;
  readonly variables: Variables;
  readonly env: Cloudflare.Env;
  readonly classes: Classes;
  #world: Stubs | undefined;

  constructor(release: NamedRelease, variables: Variables) {
    this.release = release;
    this.variables = variables;
    this.classes = release.code.classesWith({});
    // A binding is a front, whose shards every order reaches: it is there for worlds with such clients alone.
    const names = variables === SOCKETIO_VARIABLES ? [...BINDINGS, SOCKETIO_BINDING] : BINDINGS;
    this.env = { ...variables, ...bindingsOf(() => this.#world, names) };
  }

  lend(world: Stubs, hooks: Hooks): void {
    this.#world = world;
    for (const Class of Object.values(this.classes)) Object.assign(Class as object, { hooks });
  }

  takeBack(): void {
    this.#world = undefined;
  }
}

export function bindingsOf(
  world: () => Stubs | undefined,
  names: readonly string[] = BINDINGS,
): Cloudflare.Env {
  const bindings = Object.fromEntries(
    names.map((binding) => [
      binding,
      {
        getByName: (id: string) => {
          const present = world();
          if (present === undefined) throw new Error("the world of this deployment has ended");
          return present.stub(`${binding} ${id}`);
        },
      },
    ]),
  );
  return bindings as unknown as Cloudflare.Env;
}

/** Deployments that no world uses, by release. */
const free = new WeakMap<NamedRelease, Deployment[]>();

/**
 * A deployment for a world, until `giveBack`. An isolate keeps its classes and its parsed configuration for as long as
 * it lives; so do these, from one history to the next.
 */
export function borrow(
  release: NamedRelease,
  {
    variables,
    world,
    hooks,
  }: { readonly variables: Variables; readonly world: Stubs; readonly hooks: Hooks },
): Deployment {
  const waiting = free.get(release) ?? [];
  const at = waiting.findIndex((one) => one.variables === variables);
  const [known] = at === -1 ? [] : waiting.splice(at, 1);
  const deployment = known ?? new Deployment(release, variables);
  deployment.lend(world, hooks);
  return deployment;
}

export function giveBack(deployment: Deployment): void {
  deployment.takeBack();
  free.set(deployment.release, [...(free.get(deployment.release) ?? []), deployment]);
}
