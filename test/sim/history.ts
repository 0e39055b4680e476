import type { ShardStatus } from "../../src/contracts/shard.ts";
import type { ScaleState } from "../../src/coordinator/scale-state.ts";
import { judgeAftermath } from "./aftermath.ts";
import { CHANNELS } from "./channels.ts";
import { SimClient } from "./client.ts";
import { install } from "./globals.ts";
import { HookRecorder } from "./hook-recorder.ts";
import { judgePlaces, judgePresence } from "./judge-places.ts";
import { judgePublications, judgeUndisturbed, type Known } from "./judge-publications.ts";
import { KnownFaults } from "./known-faults.ts";
import { KnownRepeats } from "./known-repeats.ts";
import { KnownSkips } from "./known-skips.ts";
import { NO_FAULTS } from "./network.ts";
import { Orders } from "./orders.ts";
import { PLATFORM } from "./platform-limits.ts";
import { Publishers } from "./publishers.ts";
import { Random } from "./random.ts";
import type { Router } from "./release.ts";
import { TWO_RELEASES } from "./releases.ts";
import { Rollout, type RolloutKind } from "./rollout.ts";
import { SocketIoSteps } from "./socketio-steps.ts";
import { Steps } from "./steps.ts";
import { TraitSteps } from "./trait-steps.ts";
import { drawTraits, type Trait } from "./traits.ts";
import { SCALING_VARIABLES, SOCKETIO_VARIABLES } from "./variables.ts";
import { World } from "./world.ts";

/** Separates the seed of the rollout from the seed of its history. */
const ROLLOUT_SALT = 0x9e3779b9;
/** Separates the seed of what the platform and strangers do. */
const FATE_SALT = 0x85ebca6b;
/** Separates the seed of the traits that came later; no pinned seed of sim.test.ts draws them by it. */
const LATER_SALT = 0x165667b1;
/** In this time every retry, alarm and timeout comes. */
const QUIET_MS = 240_000;

export type Outcome = {
  readonly releases: RolloutKind;
  readonly traits: readonly Trait[];
  readonly violations: readonly string[];
  readonly events: number;
  readonly acknowledged: number;
  readonly deliveries: number;
  readonly callsBetweenReleases: number;
  /** The kinds of the policy's own changes of the ring, and the guests that shards have in the end. */
  readonly scaled: readonly string[];
  readonly guests: number;
  /** How often each kind of fault came. */
  readonly faults: ReadonlyMap<string, number>;
  readonly trace: readonly string[];
};

export type HistoryOptions = {
  readonly trace: boolean;
  readonly releases?: RolloutKind | undefined;
  readonly traits?: readonly Trait[] | undefined;
  /** Only these steps of the history, by their numbers from 1 on; each draws the numbers that it drew in the whole. */
  readonly keep?: readonly number[] | undefined;
  /** Traits that the history goes without. */
  readonly without?: readonly Trait[] | undefined;
};

/** The states of the random numbers when a step begins. */
type Drawn = { readonly random: number; readonly fate: number };
/** The steps that a history keeps, each with what it drew in the whole history. */
type Kept = ReadonlyMap<number, Drawn>;

/**
 * One history: `steps` random events, then a time without faults, and in the end every law must hold.
 * Without `releases` the seed decides which releases live in it.
 */
export async function runHistory(
  seed: number,
  steps: number,
  options: HistoryOptions = { trace: false },
): Promise<Outcome> {
  const { keep, without, ...whole } = options;
  if (keep === undefined) return live(seed, steps, options);
  const drawn = await drawnBy(seed, steps, whole);
  const kept = keep.flatMap((n): [number, Drawn][] => {
    const known = drawn[n - 1];
    return known === undefined ? [] : [[n, known]];
  });
  return live(seed, steps, { ...whole, without, kept: new Map(kept) });
}

/** The history whose steps were drawn last: many parts of one are tried in a row. */
let lastDrawn: { readonly of: string; readonly drawn: readonly Drawn[] } | undefined;

/** What each step of a whole history draws. */
async function drawnBy(seed: number, steps: number, options: HistoryOptions): Promise<readonly Drawn[]> {
  const of = JSON.stringify([seed, steps, options.releases, options.traits]);
  if (lastDrawn?.of === of) return lastDrawn.drawn;
  const drawn: Drawn[] = [];
  await live(seed, steps, { ...options, trace: false, onStep: (one) => void drawn.push(one) });
  lastDrawn = { of, drawn };
  return drawn;
}

async function live(
  seed: number,
  steps: number,
  options: Omit<HistoryOptions, "keep"> & { readonly kept?: Kept; readonly onStep?: (drawn: Drawn) => void },
): Promise<Outcome> {
  const knownFaults = new KnownFaults();
  const { name: before } = TWO_RELEASES.before;
  const known = { skips: new KnownSkips(before), repeats: new KnownRepeats(before) };
  const rollout = new Rollout(new Random(seed ^ ROLLOUT_SALT), TWO_RELEASES, options.releases);
  const fate = new Random(seed ^ FATE_SALT);
  const later = new Random(seed ^ LATER_SALT);
  const drawnTraits = drawTraits({ first: fate, later }, rollout.kind, options.traits);
  const traits = new Set([...drawnTraits].filter((trait) => options.without?.includes(trait) !== true));
  // It knows the clients of the first front.
  const isRecorded = seed % 2 === 0 && !traits.has("socketio");
  const recorder = isRecorded ? new HookRecorder(knownFaults) : undefined;
  const hooks = recorder?.hooks ?? {};
  const world = new World(new Random(seed), {
    trace: options.trace,
    hooks,
    rollout,
    fate,
    ...(traits.has("socketio") ? { variables: SOCKETIO_VARIABLES } : {}),
    ...(traits.has("scaling") ? { variables: later.pick(SCALING_VARIABLES) } : {}),
  });
  world.countsQueuedBytes = traits.has("bufferedAmount");
  world.network.subrequests = PLATFORM.subrequests[traits.has("freePlan") ? "free" : "paid"];
  recorder?.attach(world);
  world.network.onCall = (call) => {
    knownFaults.take(call);
    known.skips.take(call);
    known.repeats.take(call);
  };
  world.network.onReturn = (call) => {
    knownFaults.returned(call);
    known.skips.returned(call);
  };
  const restore = install(world);
  try {
    const history = new History(world, rollout, { recorder, known, traits });
    await history.run(steps, options);
    return {
      releases: rollout.kind,
      traits: [...traits],
      violations: world.violations,
      events: world.events.total,
      acknowledged: history.publishers.acknowledgedCount,
      deliveries: history.deliveries,
      callsBetweenReleases: world.network.callsBetweenReleases,
      ...scalingOf(world),
      faults: world.faults,
      trace: world.trace,
    };
  } finally {
    restore();
    world.close();
  }
}

/** The changes that the policy has made, and the guests that the shards have last reported. */
function scalingOf({ objects }: World): Pick<Outcome, "scaled" | "guests"> {
  const state = objects.of("COORDINATOR coordinator").storage.kv.get("scale") as ScaleState | undefined;
  const guests = objects.names("Shard").flatMap((name) => {
    const reported = objects.of(name).storage.kv.get("reported") as { status: ShardStatus } | undefined;
    return Object.values(reported?.status.guests ?? {});
  });
  return {
    scaled: (state?.decisions ?? []).map(({ kind }) => kind),
    guests: guests.reduce((sum, count) => sum + count, 0),
  };
}

class History {
  readonly publishers: Publishers;
  readonly #world: World;
  readonly #rollout: Rollout;
  readonly #recorder: HookRecorder | undefined;
  readonly #known: Known;
  readonly #traits: ReadonlySet<Trait>;
  readonly #routers: Router[];
  readonly #clients: readonly SimClient[];
  readonly #orders: Orders;
  readonly #steps: Steps;
  readonly #traitSteps: TraitSteps;
  readonly #socketIo: SocketIoSteps | undefined;

  constructor(
    world: World,
    rollout: Rollout,
    {
      recorder,
      known,
      traits,
    }: {
      readonly recorder: HookRecorder | undefined;
      readonly known: Known;
      readonly traits: ReadonlySet<Trait>;
    },
  ) {
    this.#world = world;
    this.#rollout = rollout;
    this.#recorder = recorder;
    this.#known = known;
    this.#traits = traits;
    const routers = this.#newRouters();
    const clients = Array.from({ length: world.random.int(2, 5) }, (_, n) => {
      const name = `client-${n}`;
      return new SimClient(world, routers, name, traits.has("orders") ? name : undefined);
    });
    const publishers = new Publishers(world, routers);
    this.#routers = routers;
    this.#clients = clients;
    this.publishers = publishers;
    this.#orders = new Orders(world, { routers, publishers });
    this.#steps = new Steps(world, clients, publishers);
    this.#traitSteps = new TraitSteps(world, { traits, routers, clients, publishers, orders: this.#orders });
    this.#socketIo = traits.has("socketio") ? new SocketIoSteps(world, routers) : undefined;
  }

  get deliveries(): number {
    return this.#clients
      .flatMap((client) => client.hearings())
      .reduce((sum, { heard }) => sum + heard.length, 0);
  }

  /** `kept`: only these steps; `onStep` hears what each step draws. */
  async run(
    steps: number,
    { kept, onStep }: { readonly kept?: Kept; readonly onStep?: (drawn: Drawn) => void },
  ): Promise<void> {
    const { clock, random, fate } = this.#world;
    this.#world.outside(() => {
      for (const client of this.#clients) {
        client.connect();
        client.subscribe(random.pick(CHANNELS));
      }
      this.#socketIo?.begin();
    });
    await this.#world.run(clock.now + 1_000);
    const { deployAfterPart, resetWithinMs } = this.#rollout;
    const deployAtStep = deployAfterPart === undefined ? undefined : Math.floor(deployAfterPart * steps);
    let resetUntil = 0;
    for (let n = 0; n < steps && this.#world.violations.length === 0; n++) {
      if (n === deployAtStep) {
        this.#world.outside(() => this.#deploy());
        resetUntil = clock.now + resetWithinMs;
      }
      if (kept !== undefined) {
        const drawn = kept.get(n + 1);
        if (drawn === undefined) continue;
        [random.state, fate.state] = [drawn.random, drawn.fate];
      }
      onStep?.({ random: random.state, fate: fate.state });
      this.#world.outside(() => {
        this.#steps.step();
        this.#traitSteps.step();
        this.#socketIo?.step();
      });
      const pause = random.chance(0.05) ? 40_000 : random.chance(0.3) ? 1_500 : 40;
      await this.#world.run(clock.now + random.int(0, pause));
    }
    this.#world.network.faults = NO_FAULTS;
    this.#world.outside(() => {
      this.#traitSteps.calm();
      this.#socketIo?.calm();
    });
    await this.#world.run(Math.max(clock.now, resetUntil) + QUIET_MS);
    this.publishers.end();
    this.#orders.end();
    await this.#judge();
    if (this.#world.violations.length === 0 && this.#traits.has("quietMonths")) await this.#leave();
  }

  #newRouters(): Router[] {
    return this.#rollout.forRouters().map((release) => {
      return new release.code.Router(this.#world.envOf(release));
    });
  }

  /** Replaces the routers at once. An old router finishes the requests that it has, and gets no new ones. */
  #deploy(): void {
    this.#world.deploy();
    this.#routers.splice(0, this.#routers.length, ...this.#newRouters());
  }

  /** Checks every law, when nothing has gone wrong for a while. Nothing is checked after a law that is broken. */
  async #judge(): Promise<void> {
    const end = {
      world: this.#world,
      clients: this.#clients,
      publishers: this.publishers,
      known: this.#known,
      traits: this.#traits,
      releases: this.#rollout.kind,
    };
    const judgements: readonly (() => void | Promise<void>)[] = [
      () => judgePublications(end),
      () => judgePlaces(end),
      () => this.#judgeHooks(),
      () => judgeUndisturbed(end),
      () => judgePresence(end),
      () => this.#orders.judge(),
      () => this.#socketIo?.judge(),
    ];
    for (const judgement of judgements) {
      if (this.#world.violations.length > 0) return;
      await judgement();
    }
  }

  #judgeHooks(): void {
    for (const problem of this.#recorder?.judge(this.#clients) ?? []) this.#world.violate(problem);
  }

  async #leave(): Promise<void> {
    this.#world.outside(() => {
      for (const client of this.#clients) client.leave();
    });
    await judgeAftermath(this.#world);
  }
}
