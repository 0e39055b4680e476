import type { Change } from "../../src/contracts/change.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { coordinatorStub } from "../../src/platform/calls.ts";
import type { Descriptor } from "../../src/ring/descriptor.ts";
import { BROADCAST, CHANNELS } from "./channels.ts";
import type { SimClient } from "./client.ts";
import { NO_FAULTS } from "./network.ts";
import type { Publishers } from "./publishers.ts";
import type { World } from "./world.ts";

/** The random events of every history: clients and back ends act, objects sleep and crash, the ring changes. */
export class Steps {
  readonly #world: World;
  readonly #clients: readonly SimClient[];
  readonly #publishers: Publishers;

  constructor(world: World, clients: readonly SimClient[], publishers: Publishers) {
    this.#world = world;
    this.#clients = clients;
    this.#publishers = publishers;
  }

  step(): void {
    const { random } = this.#world;
    const client = random.pick(this.#clients);
    const actions: [number, () => void][] = [
      [36, () => this.#publishers.publish(random.pick(CHANNELS))],
      [6, () => this.#publishers.publish(BROADCAST)],
      [10, () => this.#publishers.publishAs(client)],
      [10, () => client.subscribe(random.pick(CHANNELS))],
      [4, () => client.unsubscribe(random.pick(client.channels.length === 0 ? CHANNELS : client.channels))],
      [7, () => client.cut()],
      [9, () => this.#toAnyObject((name) => this.#world.sleep(name))],
      [7, () => this.#toAnyObject((name) => this.#world.crash(name, { silenced: random.chance(0.5) }))],
      [5, () => this.#change()],
      [6, () => this.#changeFaults()],
    ];
    let at = random.next() * actions.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, action] of actions) {
      at -= weight;
      if (at < 0) return action();
    }
  }

  /** No object of the class lives where every call to it was lost. */
  #toAnyObject(act: (name: string) => unknown): void {
    const { random, objects } = this.#world;
    const names = objects.names(random.pick(["Shard", "Shard", "Channel", "Channel", "Coordinator"]));
    if (names.length > 0) act(random.pick(names));
  }

  #changeFaults(): void {
    const { random } = this.#world;
    this.#world.network.faults = random.chance(0.4)
      ? NO_FAULTS
      : { lost: random.next() * 0.2, answerLost: random.next() * 0.2, late: random.next() * 0.15 };
    this.#world.note(`network faults: ${JSON.stringify(this.#world.network.faults)}`);
  }

  #change(): void {
    const { random } = this.#world;
    const coordinator = coordinatorStub(this.#world.env);
    const decide = ({ shards }: Descriptor): Change => {
      const active = shards.filter(({ state }) => state === "active");
      const { id } = random.pick(active);
      if (active.length < 3 || (active.length < 6 && random.chance(0.4))) return { kind: "add", count: 1 };
      if (random.chance(0.3)) return { kind: "weight", id, weight: random.int(1, 32) };
      return { kind: random.chance(0.7) ? "drain" : "remove", id };
    };
    void coordinator
      .descriptor(CONTRACT)
      .then((descriptor) => {
        const change = decide(descriptor);
        this.#world.countFault(`ring change: ${change.kind}`);
        return coordinator.change({ change, dryRun: false, by: "history" }, CONTRACT);
      })
      .catch(() => undefined);
  }
}
