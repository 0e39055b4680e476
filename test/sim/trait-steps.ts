import { wakeAnew } from "./aftermath.ts";
import { BROADCAST, CHANNELS, FLEETING, objectOf } from "./channels.ts";
import type { SimClient } from "./client.ts";
import type { Orders } from "./orders.ts";
import { HostileClient } from "./hostile-client.ts";
import type { Publishers } from "./publishers.ts";
import type { Router } from "./release.ts";
import { FAILED_WRITE } from "./storage.ts";
import type { Trait } from "./traits.ts";
import type { World } from "./world.ts";

const CLASSES = ["Shard", "Channel", "Coordinator"] as const;
/** How often a trait shows, for each step. */
const TRAIT_SHOWS = 0.06;
const OFTEN: Partial<Record<Trait, number>> = { orders: 0.3, failedWrites: 0.2 };
const LARGEST_BYTES = 1_900_000;
/** So many large publications are more than one call can carry. */
const BURST = 19;
const MANY = 400;

/** What the traits of a history do between its steps. `world.fate` decides it. */
export class TraitSteps {
  readonly #world: World;
  readonly #traits: ReadonlySet<Trait>;
  readonly #clients: readonly SimClient[];
  readonly #publishers: Publishers;
  readonly #stranger: HostileClient;
  readonly #orders: Orders;
  readonly #lostAlarms = new Set<string>();
  readonly #failing = new Set<string>();

  constructor(
    world: World,
    parts: {
      readonly traits: ReadonlySet<Trait>;
      readonly routers: readonly Router[];
      readonly clients: readonly SimClient[];
      readonly publishers: Publishers;
      readonly orders: Orders;
    },
  ) {
    this.#world = world;
    this.#traits = parts.traits;
    this.#clients = parts.clients;
    this.#publishers = parts.publishers;
    this.#orders = parts.orders;
    this.#stranger = new HostileClient(world, parts.routers);
  }

  /** Lets some traits show. */
  step(): void {
    for (const trait of this.#traits)
      if (this.#world.fate.chance(OFTEN[trait] ?? TRAIT_SHOWS)) this.#show(trait);
  }

  /** Strangers go, writes succeed, and an object that lost its alarm begins a new life, in which it looks (SPEC BD50). */
  calm(): void {
    this.#stranger.vanish();
    for (const client of this.#clients) client.isSilent = false;
    for (const name of this.#failing) this.#world.objects.of(name).storage.failsAfter = undefined;
    for (const name of this.#lostAlarms) wakeAnew(this.#world, name);
  }

  #show(trait: Trait): void {
    const { fate } = this.#world;
    const client = fate.pick(this.#clients);
    if (trait === "silentPeers") {
      client.isSilent = fate.chance(0.7);
      if (client.isSilent) this.#world.countFault("client that answers no close");
    } else if (trait === "endTogether") this.#endTogether();
    else if (trait === "lostAlarms")
      this.#loseAlarm(fate.pick(this.#world.objects.names(fate.pick(CLASSES))));
    else if (trait === "largePublications") this.#publishLarge();
    else if (trait === "orders") this.#orders.give(client);
    else if (trait === "failedWrites")
      this.#failWrite(fate.pick(this.#world.objects.names(fate.pick(CLASSES))));
    else if (trait === "lateCalls") this.#dieInDelivery();
    else if (trait === "manyChannels") this.#passThroughChannels(client);
    else if (trait === "hostileClients") {
      const vanishes = fate.chance(0.3);
      this.#world.countFault(vanishes ? "strangers vanish" : "strangers flood or read nothing");
      if (vanishes) this.#stranger.vanish();
      else this.#stranger.attack();
    }
  }

  /** Puts a shard to sleep, and breaks the connections of all its clients. */
  #endTogether(): void {
    const shard = this.#world.fate.pick(this.#clients).shard;
    if (shard === undefined || !this.#world.sleep(shard)) return;
    this.#world.countFault("clients of a sleeping shard gone together");
    for (const client of this.#clients) if (client.shard === shard) client.cut();
  }

  #loseAlarm(name: string): void {
    this.#world.note(`the platform gives up the alarm of ${name}`);
    this.#world.countFault("alarm given up by the platform");
    this.#world.objects.of(name).storage.alarmAt = null;
    this.#lostAlarms.add(name);
  }

  /** One of the next writes of an object. */
  #failWrite(name: string): void {
    const { fate, objects } = this.#world;
    const failsAfter = fate.int(0, 8);
    this.#world.note(`a write of ${name} fails after ${failsAfter} others`);
    this.#world.countFault(FAILED_WRITE);
    objects.of(name).storage.failsAfter = failsAfter;
    this.#failing.add(name);
  }

  #publishLarge(): void {
    const { fate } = this.#world;
    const channel = fate.pick([...CHANNELS, BROADCAST]);
    const isBurst = fate.chance(0.04);
    this.#world.countFault(isBurst ? "burst of large publications" : "large publication");
    const bytes = Math.floor(LARGEST_BYTES * fate.next() ** (isBurst ? 0.1 : 3));
    for (let n = isBurst ? BURST : 1; n > 0; n--) this.#publishers.publish(channel, bytes);
  }

  /** The calls of the life that ends arrive, some of them after those of the next one. */
  #dieInDelivery(): void {
    const { clock, fate } = this.#world;
    this.#world.countFault("channel dies while it delivers");
    this.#world.network.faults = { lost: 0, answerLost: 0, late: 0.3 };
    this.#publishers.publish(FLEETING);
    clock.after(fate.int(1, 40), () => this.#world.crash(objectOf(FLEETING)));
    for (let n = fate.int(1, 4); n > 0; n--)
      clock.after(fate.int(10, 400), () => this.#world.outside(() => this.#publishers.publish(FLEETING)));
  }

  #passThroughChannels(client: SimClient): void {
    const { fate } = this.#world;
    const first = fate.int(0, MANY);
    for (let n = fate.int(1, 30); n > 0; n--) {
      if (client.channels.length < 60) client.subscribe(`many:${first + n}`);
    }
    if (fate.chance(0.5)) client.unsubscribeAll((channel) => channel.startsWith("many:"));
  }
}
