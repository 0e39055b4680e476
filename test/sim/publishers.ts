import { BROADCAST, CHANNELS } from "./channels.ts";
import { dataOf, type SimClient } from "./client.ts";
import type { Router } from "./release.ts";
import type { World } from "./world.ts";

/** Publishes as back ends and clients, each publication with an id of its own, and keeps what was acknowledged. */
export class Publishers {
  /** Ids whose publisher got an answer, by channel. */
  readonly acknowledged = new Map<string, string[]>([...CHANNELS, BROADCAST].map((channel) => [channel, []]));
  /** Ids that a channel without history may publish twice, as the channel has lost its memory between two tries. */
  readonly mayRepeat = new Set<string>();
  /** The bytes of the large publications. */
  readonly bytes = new Map<string, number>();
  readonly #world: World;
  readonly #routers: readonly Router[];
  #lastId = 0;
  #isOver = false;

  /** Back ends call the first router. A deployment replaces the items of `routers`. */
  constructor(world: World, routers: readonly Router[]) {
    this.#world = world;
    this.#routers = routers;
  }

  get acknowledgedCount(): number {
    return [...this.acknowledged.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** From now on nobody tries again. */
  end(): void {
    this.#isOver = true;
  }

  /** Publishes as a back end does, which tries again under the same key until the answer is a success. */
  publish(channel: string, bytes?: number): void {
    const id = this.#nextId();
    if (bytes !== undefined) this.bytes.set(id, bytes);
    const noteMemoryLoss = this.#watchMemory(channel, id);
    const attempt = async (): Promise<void> => {
      const answer = await this.#api.publish({ channel, data: dataOf(id, bytes), idempotency_key: id });
      noteMemoryLoss();
      if ("result" in answer) this.#acknowledge(channel, id);
      else if (!this.#isOver) this.#world.setTimer(() => void attempt(), 500);
    };
    this.#world.note(`publish ${id} to ${channel}`);
    void attempt();
  }

  /** Publishes as a client. */
  publishAs(client: SimClient): void {
    const id = this.#nextId();
    const channel = this.#world.random.pick(CHANNELS);
    this.#world.note(`${client.name} publishes ${id} to ${channel}`);
    client.publish(channel, id, () => this.acknowledged.get(channel)?.push(id));
    // The client's shard tries again for a while.
    this.#world.setTimer(this.#watchMemory(channel, id), 20_000);
  }

  /** Publishes once, when the history is over, and returns the id. */
  publishOnce(channel: string): string {
    const id = this.#nextId();
    void this.#api.publish({ channel, data: dataOf(id), idempotency_key: id });
    return id;
  }

  #acknowledge(channel: string, id: string): void {
    const ids = this.acknowledged.get(channel);
    if (ids === undefined) this.acknowledged.set(channel, [id]);
    else ids.push(id);
  }

  /** The router of the next server API call. */
  get #api(): Router {
    const [first] = this.#routers;
    if (first === undefined) throw new Error("there is no router");
    return first;
  }

  #nextId(): string {
    this.#lastId += 1;
    return `p${this.#lastId}`;
  }

  /** Returns a function that notes whether the channel has lost its memory since this call. */
  #watchMemory(channel: string, id: string): () => void {
    const losses = this.#world.objects.of(`CHANNEL ${channel}`).memoryLosses;
    return () => {
      if (this.#world.objects.of(`CHANNEL ${channel}`).memoryLosses !== losses) this.mayRepeat.add(id);
    };
  }
}
