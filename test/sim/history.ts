import { configOf } from "../../src/platform/config.ts";
import { configuredDescriptor } from "../../src/platform/configured.ts";
import { coordinatorStub } from "../../src/platform/calls.ts";
import type { Change } from "../../src/coordinator/plan-change.ts";
import { buildRing } from "../../src/ring/build.ts";
import type { Descriptor } from "../../src/ring/descriptor.ts";
import { publish } from "../../src/router/api/publish.ts";
import { RingCache } from "../../src/router/ring-cache.ts";
import { judge, UNSEEN, type Heard } from "../chaos/history.ts";
import { dataOf, SimClient } from "./client.ts";
import { install } from "./globals.ts";
import { Random } from "./random.ts";
import { Told } from "./told.ts";
import { FAIR, World } from "./world.ts";

const BROADCAST = "ringcast:broadcast";
const SHORT_KEEPS = 4;
/** Keeps nothing. */
const FLEETING = "fleeting:e";
const CHANNELS = ["kept:a", "kept:b", "short:c", "delta:d", FLEETING] as const;
/** Enough for every retry, alarm and timeout to have come round. */
const QUIET_MS = 240_000;

const VARIABLES = {
  RINGCAST: {
    development: true,
    insecure: true,
    anonymous: true,
    shards: { initial: 3 },
    limits: { recoveryMaxPublications: 1_000 },
  },
  RINGCAST_NS_kept: { history_size: 1_000, history_ttl: "24h", force_recovery: true, presence: true },
  RINGCAST_NS_short: { history_size: SHORT_KEEPS, history_ttl: "24h", force_recovery: true },
  RINGCAST_NS_delta: {
    history_size: 1_000,
    history_ttl: "24h",
    force_recovery: true,
    allowed_delta_types: ["fossil"],
  },
  RINGCAST_NS_fleeting: {},
};

export type Outcome = {
  readonly violations: readonly string[];
  readonly events: number;
  readonly acknowledged: number;
  readonly deliveries: number;
  readonly trace: readonly string[];
};

/** One history: `steps` random things happen, then nothing more goes wrong, and in the end every law must hold. */
export async function runHistory(seed: number, steps: number, options = { trace: false }): Promise<Outcome> {
  const told = seed % 2 === 0 ? new Told() : undefined;
  const world = new World(new Random(seed), VARIABLES, { ...options, hooks: told?.hooks ?? {} });
  told?.in(world);
  const restore = install(world);
  try {
    const history = new History(world, told);
    await history.run(steps);
    return {
      violations: world.violations,
      events: world.events,
      acknowledged: history.acknowledgedCount,
      deliveries: history.deliveries,
      trace: world.trace,
    };
  } finally {
    restore();
    world.close();
  }
}

class History {
  readonly #world: World;
  readonly #told: Told | undefined;
  /** That of the back end's router. */
  readonly #cache: RingCache;
  readonly #clients: SimClient[];
  readonly #acknowledged = new Map<string, string[]>(
    [...CHANNELS, BROADCAST].map((channel) => [channel, []]),
  );
  /** Published again to a channel that keeps nothing, and so has forgotten in a crash that it knew them. */
  readonly #mayRepeat = new Set<string>();
  #lastId = 0;
  #over = false;

  constructor(world: World, told: Told | undefined) {
    this.#world = world;
    this.#told = told;
    const configured = configuredDescriptor(configOf(world.env));
    this.#cache = new RingCache(configured);
    const caches = [this.#cache, new RingCache(configured)];
    this.#clients = Array.from({ length: world.random.int(2, 5) }, (_, n) => {
      return new SimClient(world, caches, `client-${n}`);
    });
  }

  get acknowledgedCount(): number {
    return [...this.#acknowledged.values()].reduce((sum, { length }) => sum + length, 0);
  }

  get deliveries(): number {
    return this.#clients
      .flatMap((client) => client.hearings())
      .reduce((sum, { heard }) => sum + heard.length, 0);
  }

  async run(steps: number): Promise<void> {
    const { clock, random } = this.#world;
    this.#world.outside(() => {
      for (const client of this.#clients) {
        client.connect();
        client.subscribe(random.pick(CHANNELS));
      }
    });
    await this.#world.run(clock.now + 1_000);
    for (let n = 0; n < steps && this.#world.violations.length === 0; n++) {
      this.#world.outside(() => this.#step());
      const pause = random.chance(0.05) ? 40_000 : random.chance(0.3) ? 1_500 : 40;
      await this.#world.run(clock.now + random.int(0, pause));
    }
    this.#world.weather = FAIR;
    await this.#world.run(clock.now + QUIET_MS);
    this.#over = true;
    if (this.#world.violations.length === 0) await this.#judge();
  }

  #step(): void {
    const { random } = this.#world;
    const client = random.pick(this.#clients);
    const actions: [number, () => void][] = [
      [36, () => this.#publish(random.pick(CHANNELS))],
      [6, () => this.#publish(BROADCAST)],
      [10, () => this.#publishAs(client)],
      [10, () => client.subscribe(random.pick(CHANNELS))],
      [4, () => client.unsubscribe(random.pick(client.channels.length === 0 ? CHANNELS : client.channels))],
      [7, () => client.cut()],
      [9, () => this.#world.sleep(this.#anyObject())],
      [7, () => this.#world.crash(this.#anyObject(), random.chance(0.5))],
      [5, () => this.#change()],
      [6, () => this.#turnWeather()],
    ];
    let at = random.next() * actions.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, action] of actions) {
      at -= weight;
      if (at < 0) return action();
    }
  }

  #anyObject(): string {
    const { random } = this.#world;
    return random.pick(
      this.#world.names(random.pick(["SHARD", "SHARD", "CHANNEL", "CHANNEL", "COORDINATOR"])),
    );
  }

  #turnWeather(): void {
    const { random } = this.#world;
    this.#world.weather = random.chance(0.4)
      ? FAIR
      : { lost: random.next() * 0.2, answerLost: random.next() * 0.2, late: random.next() * 0.15 };
    this.#world.note(`weather ${JSON.stringify(this.#world.weather)}`);
  }

  #nextId(): string {
    this.#lastId += 1;
    return `p${this.#lastId}`;
  }

  /** A back end: tries again under the same key until it is answered. */
  #publish(channel: string): void {
    const id = this.#nextId();
    const call = {
      env: this.#world.env,
      config: configOf(this.#world.env),
      cache: this.#cache,
    };
    const lookForCrash = this.#watch(channel, id);
    const attempt = async (): Promise<void> => {
      const answer = await publish(call, { channel, data: dataOf(id), idempotency_key: id });
      lookForCrash();
      if ("result" in answer) this.#acknowledged.get(channel)?.push(id);
      else if (!this.#over) this.#world.setTimer(() => void attempt(), 500);
    };
    this.#world.note(`publish ${id} to ${channel}`);
    void attempt();
  }

  #publishAs(client: SimClient): void {
    const id = this.#nextId();
    const channel = this.#world.random.pick(CHANNELS);
    this.#world.note(`${client.name} publishes ${id} to ${channel}`);
    client.publish(channel, id, () => this.#acknowledged.get(channel)?.push(id));
    // Its shard tries again for a while.
    this.#world.setTimer(this.#watch(channel, id), 20_000);
  }

  /** What it answers finds out whether a publication's channel has lost its memory since. */
  #watch(channel: string, id: string): () => void {
    const ends = this.#world.endsOf(`CHANNEL ${channel}`);
    return () => {
      if (this.#world.endsOf(`CHANNEL ${channel}`) !== ends) this.#mayRepeat.add(id);
    };
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
      .descriptor()
      .then((descriptor) => coordinator.change({ change: decide(descriptor), dryRun: false, by: "history" }))
      .catch(() => undefined);
  }

  /** What must hold once nothing has gone wrong for a while. */
  async #judge(): Promise<void> {
    const logs = new Map<string, Heard[]>();
    const keeps = new Map([["short:c", SHORT_KEEPS]]);
    for (const channel of [...CHANNELS, BROADCAST]) {
      if (channel !== FLEETING) logs.set(channel, this.#readLog(channel));
    }
    const all = this.#clients.flatMap((client) => client.hearings());
    for (const { who, heard } of all.filter(({ channel }) => channel === FLEETING)) {
      const once = new Set<string>();
      for (const { offset: connection, id } of heard) {
        const again = once.has(`${id} ${connection}`) && !this.#mayRepeat.has(id);
        if (again) this.#world.violate(`${FLEETING} of ${who}: ${id} again (SPEC LG5)`);
        once.add(`${id} ${connection}`);
      }
    }
    const hearings = all.filter(({ channel }) => channel !== FLEETING);
    const verdict = judge({ acknowledged: this.#acknowledged, logs, keeps, hearings });
    for (const problem of Object.values(verdict).flat()) this.#world.violate(problem);
    if (this.#world.violations.length > 0) return;
    await this.#judgePlaces();
  }

  #readLog(channel: string): Heard[] {
    const name = channel === BROADCAST ? "COORDINATOR coordinator" : `CHANNEL ${channel}`;
    if (!this.#world.names(channel === BROADCAST ? "COORDINATOR" : "CHANNEL").includes(name)) return [];
    const storage = this.#world.storageOf(name);
    // Every call to it may have been lost, and then it has never lived.
    const lived = storage.query("SELECT 1 FROM sqlite_master WHERE name = 'publications'").length > 0;
    if (!lived) return [];
    const rows = storage.query("SELECT offset, body FROM publications ORDER BY offset");
    const kept = rows.map(({ offset, body }) => {
      const { data } = JSON.parse(String(body)) as { data: { id: string } };
      return { offset: Number(offset), id: data.id };
    });
    const first = kept[0]?.offset ?? 1;
    const trimmed = Array.from({ length: first - 1 }, (_, n) => ({ offset: n + 1, id: UNSEEN }));
    for (const { channel: heardOn, heard } of this.#clients.flatMap((client) => client.hearings())) {
      if (heardOn !== channel) continue;
      for (const one of heard) if (one.offset < first) trimmed[one.offset - 1] = one;
    }
    return [...trimmed, ...kept];
  }

  /** Every client is connected, to the owner of its key, and present where it listens (SPEC MV1, SE1). */
  async #judgePlaces(): Promise<void> {
    const descriptors: Descriptor[] = [];
    void coordinatorStub(this.#world.env)
      .descriptor()
      .then((descriptor) => descriptors.push(descriptor));
    await this.#world.run(this.#world.clock.now + 1_000);
    const [descriptor] = descriptors;
    if (descriptor === undefined) return this.#world.violate("the coordinator does not answer");
    const ring = buildRing(descriptor);
    for (const client of this.#clients) {
      const owner = ring.owner(client.name, "auto")?.id;
      if (!client.connected) this.#world.violate(`${client.name} is not connected`);
      else if (client.shard !== `SHARD auto/${owner}`) {
        this.#world.violate(`${client.name} is on ${client.shard}, and its owner is ${owner}`);
      }
    }
    if (this.#world.violations.length > 0) return;
    for (const problem of this.#told?.judge(this.#clients) ?? []) this.#world.violate(problem);
    if (this.#world.violations.length > 0) return;
    for (const channel of ["kept:a", "kept:b"]) {
      const present: number[] = [];
      void this.#world.env.CHANNEL.getByName(channel)
        .presence("")
        .then((all) => present.push(all.length));
      await this.#world.run(this.#world.clock.now + 5_000);
      const listen = this.#clients.filter((client) => client.channels.includes(channel)).length;
      if (present[0] !== listen)
        this.#world.violate(`${present[0]} present on ${channel}, and ${listen} listen`);
    }
  }
}
