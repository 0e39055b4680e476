import { CONTRACT } from "../../src/contracts/version.ts";
import { coordinatorStub } from "../../src/platform/calls.ts";
import { dataOf, SimClient } from "./client.ts";
import type { Quarter, Stored } from "./growth.ts";
import { rowsOfCoordinator } from "./aftermath.ts";
import { install } from "./globals.ts";
import { Random } from "./random.ts";
import type { Router } from "./release.ts";
import { TWO_RELEASES } from "./releases.ts";
import { Rollout } from "./rollout.ts";
import { NO_FAULTS } from "./network.ts";
import { bytesOf } from "./platform-limits.ts";
import { World } from "./world.ts";

const DAY_MS = 86_400_000;
const QUARTER_DAYS = 91;
const STEPS_A_DAY = 10;
/** In the evening every retry, and the last leave, comes. */
const EVENING_MS = 180_000;
/**
 * A small cluster that lives for years: each day new clients in new channels, crashes, sleeps and lost calls, every few
 * days a ring change or a deployment. Yields each quarter. Throws for a broken law.
 */
export async function* liveYears(seed: number, years: number): AsyncGenerator<Quarter> {
  const random = new Random(seed);
  const rollout = new Rollout(new Random(seed), TWO_RELEASES, "none");
  const world = new World(random, { trace: false, hooks: {}, rollout, fate: new Random(seed + 1) });
  const restore = install(world);
  try {
    const cluster = new Cluster(world, rollout);
    for (let quarter = 0; quarter < years * 4; quarter++) {
      const before = { alarms: world.alarms.count, calls: world.network.calls };
      const nights: Stored[] = [];
      for (let day = 0; day < QUARTER_DAYS; day++) {
        await cluster.day(quarter * QUARTER_DAYS + day);
        nights.push(cluster.stored());
        if (world.violations.length > 0)
          throw new Error(`day ${quarter * QUARTER_DAYS + day}: ${world.violations.join("; ")}`);
      }
      const mean = (field: keyof Stored) =>
        nights.reduce((sum, night) => sum + night[field], 0) / QUARTER_DAYS;
      yield {
        shardBytes: mean("shardBytes"),
        channels: mean("channels"),
        channelRows: mean("channelRows"),
        coordinatorRows: mean("coordinatorRows"),
        alarmsADay: (world.alarms.count - before.alarms) / QUARTER_DAYS,
        callsADay: (world.network.calls - before.calls) / QUARTER_DAYS,
      };
    }
  } finally {
    restore();
    world.close();
  }
}

class Cluster {
  readonly #world: World;
  readonly #rollout: Rollout;
  readonly #routers: Router[];
  readonly #started: number;
  #lastId = 0;

  constructor(world: World, rollout: Rollout) {
    this.#world = world;
    this.#rollout = rollout;
    this.#started = world.clock.now;
    this.#routers = this.#newRouters();
  }

  /** Morning, load, evening and night. */
  async day(n: number): Promise<void> {
    const world = this.#world;
    const { random, clock } = world;
    const channels = ["kept:always", `kept:day-${n}`, `many:day-${n}`, `many:also-${n}`];
    const clients = Array.from({ length: 3 }, (_, k) => new SimClient(world, this.#routers, `client-${k}`));
    world.outside(() => {
      for (const client of clients) {
        client.connect();
        client.subscribe(random.pick(channels));
      }
    });
    await world.run(clock.now + 1_000);
    for (let step = 0; step < STEPS_A_DAY; step++) {
      world.outside(() => this.#step(random.pick(clients), channels));
      await world.run(clock.now + random.int(0, 2_000));
    }
    world.network.faults = NO_FAULTS;
    if (n % 3 === 0) world.outside(() => this.#changeRing(n));
    if (n % 14 === 0) world.outside(() => this.#deploy());
    await world.run(clock.now + EVENING_MS);
    for (const client of clients)
      if (!client.connected) world.violate(`${client.name} is not connected in the evening`);
    world.outside(() => {
      for (const client of clients) client.leave();
    });
    await world.run(this.#started + (n + 1) * DAY_MS);
    world.objects.forgetUnused();
  }

  stored(): Stored {
    const world = this.#world;
    const shards = world.objects.names("Shard").filter((name) => this.#isActive(name));
    const sizes = (names: readonly string[]) => names.map((name) => world.objects.of(name).storage.size());
    const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
    const channels = sizes(world.objects.names("Channel")).filter(({ rows, tables }) => rows + tables > 0);
    return {
      shardBytes: sum(shards.map((name) => bytesOfShard(world, name))) / shards.length,
      channels: channels.length,
      channelRows: sum(channels.map(({ rows }) => rows)),
      coordinatorRows: sum(world.objects.names("Coordinator").map((name) => rowsOfCoordinator(world, name))),
    };
  }

  #isActive(name: string): boolean {
    const ring = this.#world.objects.of(name).storage.kv.get("descriptor") as
      | { shards: { id: string; region: string; state: string }[] }
      | undefined;
    return ring?.shards.some(({ id, region }) => name === `SHARD ${region}/${id}`) === true;
  }

  #step(client: SimClient, channels: readonly string[]): void {
    const { random } = this.#world;
    const object = random.pick(this.#world.objects.names(random.pick(["Shard", "Channel", "Coordinator"])));
    const actions: readonly (() => void)[] = [
      () => this.#publish(random.pick([...channels, "ringcast:broadcast"])),
      () => this.#publish(random.pick(channels)),
      () => client.subscribe(random.pick(channels)),
      () => client.unsubscribeAll(() => random.chance(0.5)),
      () => client.cut(),
      () => this.#world.sleep(object),
      () => this.#world.crash(object, { silenced: random.chance(0.5) }),
      () =>
        (this.#world.network.faults = random.chance(0.5)
          ? NO_FAULTS
          : { lost: 0.05, answerLost: 0.05, late: 0.05 }),
    ];
    random.pick(actions)();
  }

  #publish(channel: string): void {
    this.#lastId += 1;
    const id = `p${this.#lastId}`;
    const [router] = this.#routers;
    void router?.publish({ channel, data: dataOf(id), idempotency_key: id }).catch(() => undefined);
  }

  /** Weights change often; now and then a shard is drained, and another takes its place. */
  #changeRing(n: number): void {
    const { random } = this.#world;
    const coordinator = coordinatorStub(this.#world.env);
    void coordinator
      .descriptor(CONTRACT)
      .then(({ shards }) => {
        const active = shards.filter(({ state }) => state === "active");
        const { id } = random.pick(active);
        const change =
          n % 9 !== 0
            ? ({ kind: "weight", id, weight: random.int(8, 24) } as const)
            : active.length > 3
              ? ({ kind: "drain", id } as const)
              : ({ kind: "add", count: 1 } as const);
        return coordinator.change({ change, dryRun: false, by: "years" }, CONTRACT);
      })
      .catch(() => undefined);
  }

  #deploy(): void {
    this.#world.deploy();
    this.#routers.splice(0, this.#routers.length, ...this.#newRouters());
  }

  #newRouters(): Router[] {
    return this.#rollout.forRouters().map((release) => new release.code.Router(this.#world.envOf(release)));
  }
}

/** Without the names of former shards, which a number bounds (SPEC SO46): they come to it in the fourth year. */
function bytesOfShard(world: World, name: string): number {
  const { storage } = world.objects.of(name);
  const { former = [] } = (storage.kv.get("descriptor") ?? {}) as { readonly former?: readonly unknown[] };
  return storage.size().bytes - bytesOf(former);
}
