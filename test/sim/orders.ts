import { CHANNELS, ORDERED } from "./channels.ts";
import type { SimClient } from "./client.ts";
import type { Publishers } from "./publishers.ts";
import type { Order, Router } from "./release.ts";
import type { World } from "./world.ts";

/** A close after which a stock client comes back. */
const COMES_BACK = { code: 3_000, reason: "again" };
const DAY_SECONDS = 86_400;
/** A frame of a client takes less. */
const FRAME_MS = 100;

/** An unsubscribe that is carried out: the session that its client had, and when it was asked for. */
type Revoked = {
  readonly client: SimClient;
  readonly channel: string;
  readonly session: string | undefined;
  readonly at: number;
};

/** What back ends order about users; each repeats its order until it is carried out (SPEC AP5). */
export class Orders {
  readonly #world: World;
  readonly #routers: readonly Router[];
  readonly #publishers: Publishers;
  readonly #revoked: Revoked[] = [];
  #isOver = false;

  constructor(
    world: World,
    { routers, publishers }: { readonly routers: readonly Router[]; readonly publishers: Publishers },
  ) {
    this.#world = world;
    this.#routers = routers;
    this.#publishers = publishers;
  }

  /** Orders something about the user of a client. `world.fate` decides it. */
  give(client: SimClient): void {
    const { fate, clock } = this.#world;
    const user = client.name;
    if (fate.chance(0.5)) this.#publishers.publish(ORDERED);
    switch (fate.int(0, 6)) {
      case 0:
      case 1:
      case 2:
        return this.#order({ kind: "subscribe", user, channel: ORDERED });
      case 3:
        return this.#unsubscribe(client, fate.pick([ORDERED, ...client.channels]));
      case 4: {
        // The subscription is perhaps under way when the order comes.
        const channel = fate.pick(CHANNELS);
        client.subscribe(channel);
        return void this.#world.setTimer(
          () => this.#unsubscribe(client, channel),
          fate.int(0, fate.chance(0.5) ? 5_000 : FRAME_MS),
        );
      }
      case 5:
        return this.#order({ kind: "disconnect", user, disconnect: COMES_BACK });
      default: {
        const seconds = Math.floor(clock.now / 1_000);
        return this.#order({ kind: "refresh", user, expire_at: seconds + DAY_SECONDS });
      }
    }
  }

  /** From now on nobody tries again. */
  end(): void {
    this.#isOver = true;
  }

  /** A client that has not asked since has no subscription in which its session was to end. */
  judge(): void {
    for (const { client, channel, session, at } of this.#revoked) {
      if (channel === ORDERED || session === undefined || client.current !== session) continue;
      if (client.askedAt(channel) < at - FRAME_MS && client.channels.includes(channel))
        this.#world.violate(`${client.name} still hears ${channel}, from which it was taken (SPEC AP5)`);
    }
  }

  #unsubscribe(client: SimClient, channel: string): void {
    const revoked = { client, channel, session: client.current, at: this.#world.clock.now };
    this.#order({ kind: "unsubscribe", user: client.name, channel }, () => this.#revoked.push(revoked));
  }

  #order(order: Order, onDone: () => void = () => undefined): void {
    this.#world.note(`order ${JSON.stringify(order)}`);
    this.#world.countFault(`order about a user: ${order.kind}`);
    const attempt = async (): Promise<void> => {
      const [router] = this.#routers;
      const answer = await router?.order(order);
      if (answer !== undefined && "result" in answer) onDone();
      else if (!this.#isOver) this.#world.setTimer(() => void attempt(), 500);
    };
    void attempt();
  }
}
