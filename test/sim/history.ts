import { FIRST_FRONT, objectName, shardAddress } from "../../src/contracts/address.ts";
import type { Change } from "../../src/contracts/change.ts";
import type { SentByRing } from "../../src/contracts/orders.ts";
import type { ShardStatus } from "../../src/contracts/shard.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import type { ScaleState } from "../../src/coordinator/scale-state.ts";
import { coordinatorStub, shardStub } from "../../src/platform/calls.ts";
import { buildRing } from "../../src/ring/build.ts";
import type { Descriptor } from "../../src/ring/descriptor.ts";
import { OWNERS, type Ring } from "../../src/ring/ring.ts";
import { judge, UNSEEN, type Heard, type Hearing } from "../chaos/history.ts";
import { judgeAftermath, wakeAnew } from "./aftermath.ts";
import { dataOf, SimClient } from "./client.ts";
import { install } from "./globals.ts";
import { HostileClient } from "./hostile-client.ts";
import { HookRecorder } from "./hook-recorder.ts";
import { KnownFaults } from "./known-faults.ts";
import { KnownSkips } from "./known-skips.ts";
import { Random } from "./random.ts";
import type { Router } from "./release.ts";
import { TWO_RELEASES } from "./releases.ts";
import { PLATFORM } from "./platform-limits.ts";
import { Rollout, type RolloutKind } from "./rollout.ts";
import { drawTraits, isJudged, type Trait } from "./traits.ts";
import { SCALING_VARIABLES, SHORT_KEEPS } from "./variables.ts";
import { NO_FAULTS } from "./network.ts";
import { World } from "./world.ts";

const BROADCAST = "ringcast:broadcast";
/** A channel without history. */
const FLEETING = "fleeting:e";
const CLASSES = ["Shard", "Channel", "Coordinator"] as const;
const CHANNELS = ["kept:a", "kept:b", "short:c", "delta:d", FLEETING] as const;
/** Separates the seed of the rollout from the seed of its history. */
const ROLLOUT_SALT = 0x9e3779b9;
/** Separates the seed of what the platform and strangers do. */
const FATE_SALT = 0x85ebca6b;
/** Separates the seed of the traits that came later; no pinned seed of sim.test.ts draws them by it. */
const LATER_SALT = 0x165667b1;
/** How often a trait shows, for each step. */
const TRAIT_SHOWS = 0.06;
const LARGEST_BYTES = 1_900_000;
/** A resume of more bytes than `limits.resumeBytes` may be refused. */
const RESUME_BYTES = 4 * 2 ** 20;
/** So many large publications are more than one call can carry. */
const BURST = 19;
const MANY = 400;
/** `limits.waitingFrames`, and the frame that is at work. */
const WAITING_FRAMES = 1_025;
/**
 * `limits.queuedBytes` with the factor for a reader that has just been probed, the frame before the probe, which is not
 * counted, and the frame that passes the bound. A frame has 4 MB at most.
 */
const QUEUED_BYTES = 8 * 2 ** 20 + 2 * 4 * 2 ** 20;
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
  readonly trace: readonly string[];
};

export type HistoryOptions = {
  readonly trace: boolean;
  readonly releases?: RolloutKind | undefined;
  readonly traits?: readonly Trait[] | undefined;
};

/**
 * One history: `steps` random events, then a time without faults, and in the end every law must hold.
 * Without `releases` the seed decides which releases live in it.
 */
export async function runHistory(
  seed: number,
  steps: number,
  options: HistoryOptions = { trace: false },
): Promise<Outcome> {
  const knownFaults = new KnownFaults();
  const knownSkips = new KnownSkips(TWO_RELEASES.before.name);
  const recorder = seed % 2 === 0 ? new HookRecorder(knownFaults) : undefined;
  const rollout = new Rollout(new Random(seed ^ ROLLOUT_SALT), TWO_RELEASES, options.releases);
  const hooks = recorder?.hooks ?? {};
  const fate = new Random(seed ^ FATE_SALT);
  const later = new Random(seed ^ LATER_SALT);
  const traits = drawTraits({ first: fate, later }, rollout.kind, options.traits);
  const world = new World(new Random(seed), {
    trace: options.trace,
    hooks,
    rollout,
    fate,
    ...(traits.has("scaling") ? { variables: later.pick(SCALING_VARIABLES) } : {}),
  });
  world.countsQueuedBytes = traits.has("bufferedAmount");
  world.network.subrequests = PLATFORM.subrequests[traits.has("freePlan") ? "free" : "paid"];
  recorder?.attach(world);
  world.network.onCall = (call) => {
    knownFaults.take(call);
    knownSkips.take(call);
  };
  world.network.onReturn = (call) => {
    knownFaults.returned(call);
    knownSkips.returned(call);
  };
  const restore = install(world);
  try {
    const history = new History(world, rollout, { recorder, knownSkips, traits });
    await history.run(steps);
    return {
      releases: rollout.kind,
      traits: [...traits],
      violations: world.violations,
      events: world.events.total,
      acknowledged: history.acknowledgedCount,
      deliveries: history.deliveries,
      callsBetweenReleases: world.network.callsBetweenReleases,
      ...scalingOf(world),
      trace: world.trace,
    };
  } finally {
    restore();
    world.objects.close();
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
  readonly #world: World;
  readonly #rollout: Rollout;
  readonly #recorder: HookRecorder | undefined;
  readonly #knownSkips: KnownSkips;
  readonly #traits: ReadonlySet<Trait>;
  readonly #stranger: HostileClient;
  /** The bytes of the large publications. */
  readonly #bytes = new Map<string, number>();
  readonly #lostAlarms = new Set<string>();
  /** Back losses call the first router. */
  readonly #routers: Router[];
  readonly #clients: SimClient[];
  readonly #acknowledged = new Map<string, string[]>(
    [...CHANNELS, BROADCAST].map((channel) => [channel, []]),
  );
  /** Ids that a channel without history may publish twice, as the channel has lost its memory between two tries. */
  readonly #mayRepeat = new Set<string>();
  #lastId = 0;
  #isOver = false;

  constructor(
    world: World,
    rollout: Rollout,
    {
      recorder,
      knownSkips,
      traits,
    }: {
      readonly recorder: HookRecorder | undefined;
      readonly knownSkips: KnownSkips;
      readonly traits: ReadonlySet<Trait>;
    },
  ) {
    this.#world = world;
    this.#rollout = rollout;
    this.#recorder = recorder;
    this.#knownSkips = knownSkips;
    this.#traits = traits;
    this.#routers = this.#newRouters();
    this.#stranger = new HostileClient(world, this.#routers);
    this.#clients = Array.from({ length: world.random.int(2, 5) }, (_, n) => {
      return new SimClient(world, this.#routers, `client-${n}`);
    });
  }

  /** The router of the next server API call. */
  get #api(): Router {
    const [first] = this.#routers;
    if (first === undefined) throw new Error("there is no router");
    return first;
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
    const { deployAfterPart, resetWithinMs } = this.#rollout;
    const deployAtStep = deployAfterPart === undefined ? undefined : Math.floor(deployAfterPart * steps);
    let resetUntil = 0;
    for (let n = 0; n < steps && this.#world.violations.length === 0; n++) {
      if (n === deployAtStep) {
        this.#world.outside(() => this.#deploy());
        resetUntil = clock.now + resetWithinMs;
      }
      this.#world.outside(() => {
        this.#step();
        for (const trait of this.#traits) if (this.#world.fate.chance(TRAIT_SHOWS)) this.#show(trait);
      });
      const pause = random.chance(0.05) ? 40_000 : random.chance(0.3) ? 1_500 : 40;
      await this.#world.run(clock.now + random.int(0, pause));
    }
    this.#world.network.faults = NO_FAULTS;
    this.#world.outside(() => this.#calm());
    await this.#world.run(Math.max(clock.now, resetUntil) + QUIET_MS);
    this.#isOver = true;
    if (this.#world.violations.length === 0) await this.#judge();
    if (this.#world.violations.length === 0 && this.#traits.has("quietMonths")) await this.#leave();
  }

  async #leave(): Promise<void> {
    this.#world.outside(() => {
      for (const client of this.#clients) client.leave();
    });
    await judgeAftermath(this.#world);
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
      [7, () => this.#world.crash(this.#anyObject(), { silenced: random.chance(0.5) })],
      [5, () => this.#change()],
      [6, () => this.#changeFaults()],
    ];
    let at = random.next() * actions.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, action] of actions) {
      at -= weight;
      if (at < 0) return action();
    }
  }

  /** One step of a trait. */
  #show(trait: Trait): void {
    const { fate } = this.#world;
    const client = fate.pick(this.#clients);
    if (trait === "silentPeers") client.isSilent = fate.chance(0.7);
    else if (trait === "endTogether") this.#endTogether();
    else if (trait === "lostAlarms")
      this.#loseAlarm(fate.pick(this.#world.objects.names(fate.pick(CLASSES))));
    else if (trait === "largePublications") {
      const channel = fate.pick([...CHANNELS, BROADCAST]);
      const isBurst = fate.chance(0.04);
      const bytes = Math.floor(LARGEST_BYTES * fate.next() ** (isBurst ? 0.1 : 3));
      for (let n = isBurst ? BURST : 1; n > 0; n--) this.#publish(channel, bytes);
    } else if (trait === "manyChannels") {
      const first = fate.int(0, MANY);
      for (let n = fate.int(1, 30); n > 0; n--) {
        if (client.channels.length < 60) client.subscribe(`many:${first + n}`);
      }
      if (fate.chance(0.5)) client.unsubscribeAll((channel) => channel.startsWith("many:"));
    } else if (trait === "hostileClients") {
      if (fate.chance(0.3)) this.#stranger.vanish();
      else this.#stranger.attack();
    }
  }

  /** Puts a shard to sleep, and breaks the connections of all its clients. */
  #endTogether(): void {
    const shard = this.#world.fate.pick(this.#clients).shard;
    if (shard === undefined || !this.#world.sleep(shard)) return;
    for (const client of this.#clients) if (client.shard === shard) client.cut();
  }

  #loseAlarm(name: string): void {
    this.#world.note(`the platform gives up the alarm of ${name}`);
    this.#world.objects.of(name).storage.alarmAt = null;
    this.#lostAlarms.add(name);
  }

  /** Strangers go, and an object that lost its alarm begins a new life, in which it looks (SPEC BD50). */
  #calm(): void {
    this.#stranger.vanish();
    for (const client of this.#clients) client.isSilent = false;
    for (const name of this.#lostAlarms) wakeAnew(this.#world, name);
  }

  #anyObject(): string {
    const { random } = this.#world;
    return random.pick(
      this.#world.objects.names(random.pick(["Shard", "Shard", "Channel", "Channel", "Coordinator"])),
    );
  }

  #changeFaults(): void {
    const { random } = this.#world;
    this.#world.network.faults = random.chance(0.4)
      ? NO_FAULTS
      : { lost: random.next() * 0.2, answerLost: random.next() * 0.2, late: random.next() * 0.15 };
    this.#world.note(`network faults: ${JSON.stringify(this.#world.network.faults)}`);
  }

  #nextId(): string {
    this.#lastId += 1;
    return `p${this.#lastId}`;
  }

  /** Publishes as a back end does, which tries again under the same key until the answer is a success. */
  #publish(channel: string, bytes?: number): void {
    const id = this.#nextId();
    if (bytes !== undefined) this.#bytes.set(id, bytes);
    const noteMemoryLoss = this.#watchMemory(channel, id);
    const attempt = async (): Promise<void> => {
      const answer = await this.#api.publish({ channel, data: dataOf(id, bytes), idempotency_key: id });
      noteMemoryLoss();
      if ("result" in answer) this.#acknowledged.get(channel)?.push(id);
      else if (!this.#isOver) this.#world.setTimer(() => void attempt(), 500);
    };
    this.#world.note(`publish ${id} to ${channel}`);
    void attempt();
  }

  #publishAs(client: SimClient): void {
    const id = this.#nextId();
    const channel = this.#world.random.pick(CHANNELS);
    this.#world.note(`${client.name} publishes ${id} to ${channel}`);
    client.publish(channel, id, () => this.#acknowledged.get(channel)?.push(id));
    // The client's shard tries again for a while.
    this.#world.setTimer(this.#watchMemory(channel, id), 20_000);
  }

  /** Returns a function that notes whether the channel has lost its memory since this call. */
  #watchMemory(channel: string, id: string): () => void {
    const losses = this.#world.objects.of(`CHANNEL ${channel}`).memoryLosses;
    return () => {
      if (this.#world.objects.of(`CHANNEL ${channel}`).memoryLosses !== losses) this.#mayRepeat.add(id);
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
      .descriptor(CONTRACT)
      .then((descriptor) =>
        coordinator.change({ change: decide(descriptor), dryRun: false, by: "history" }, CONTRACT),
      )
      .catch(() => undefined);
  }

  /** Checks every law, when nothing has gone wrong for a while. */
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
    const verdict = judge({
      acknowledged: this.#acknowledged,
      logs,
      keeps,
      hearings: hearings.map((hearing) => {
        const log = logs.get(hearing.channel) ?? [];
        return this.#withSkip(this.#withLarge(hearing, log), log.length);
      }),
    });
    for (const problem of Object.values(verdict).flat()) this.#world.violate(problem);
    if (this.#world.violations.length > 0) return;
    await this.#judgePlaces();
  }

  /**
   * A resume over more than `limits.resumeBytes` is justified in being refused: its range counts as longer than what
   * any channel keeps.
   */
  #withLarge(hearing: Hearing, log: readonly Heard[]): Hearing {
    if (this.#bytes.size === 0) return hearing;
    const bytes = (from: number, to: number): number =>
      log.slice(from, to).reduce((sum, { id }) => sum + (this.#bytes.get(id) ?? 0), 0);
    const isJustified = (from: number, to: number): boolean => bytes(from, to) > RESUME_BYTES;
    const unrecovered = hearing.unrecovered.map((one) =>
      isJustified(one.from, one.to) ? { ...one, isJustified: true } : one,
    );
    return { ...hearing, unrecovered };
  }

  /** A publication that a known fault of the release before keeps from a subscriber is no fault of the present one. */
  #withSkip(hearing: Hearing, top: number): Hearing {
    const { who, channel, heard, unrecovered } = hearing;
    const shard = this.#clients.find(({ name }) => name === who)?.shard?.slice("SHARD ".length) ?? "";
    const offsets = [...heard.map(({ offset }) => offset), ...unrecovered.map(({ to }) => to)];
    const last = Math.max(hearing.from, ...offsets);
    if (last === top || !this.#knownSkips.excuses(objectOf(channel), shard, { last, top })) return hearing;
    return { ...hearing, ended: true };
  }

  #readLog(channel: string): Heard[] {
    const name = objectOf(channel);
    if (!this.#world.objects.names(channel === BROADCAST ? "Coordinator" : "Channel").includes(name))
      return [];
    const storage = this.#world.objects.of(name).storage;
    // The object has no tables if every call to it was lost.
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

  /** Checks that each client is connected to the owner of its key, and present in its channels (SPEC MV1, SE1). */
  async #judgePlaces(): Promise<void> {
    const descriptors: Descriptor[] = [];
    void coordinatorStub(this.#world.env)
      .descriptor(CONTRACT)
      .then((descriptor) => descriptors.push(descriptor));
    await this.#world.run(this.#world.clock.now + 1_000);
    const [descriptor] = descriptors;
    if (descriptor === undefined) return this.#world.violate("the coordinator does not answer");
    const ring = buildRing(descriptor);
    for (const shard of this.#world.objects.names("Shard")) {
      const queued = this.#world.objects.of(shard).mostQueuedBytes;
      if (queued > QUEUED_BYTES && this.#rollout.kind === "none" && isJudged("memory"))
        this.#world.violate(`${shard} had ${queued} bytes queued for one socket (SPEC BD73)`);
      const waiting = this.#world.objects.of(shard).mostWaitingFrames;
      if (waiting > WAITING_FRAMES && this.#rollout.kind === "none" && isJudged("memory"))
        this.#world.violate(`${shard} had ${waiting} frames of one client waiting (SPEC BD73)`);
      const halfOpen = [...this.#world.objects.of(shard).sockets].filter(({ isHalfOpen }) => isHalfOpen);
      if (halfOpen.length > 0 && this.#rollout.kind === "none")
        this.#world.violate(`${shard} has left ${halfOpen.length} sockets half open (SPEC BD71)`);
    }
    for (const client of this.#clients) {
      // Where shards hand connections on, a client may be on each of its three owners.
      const count = this.#traits.has("scaling") ? OWNERS : 1;
      const owners = ring.owners(client.name, "auto", count).map(({ id }) => id);
      if (!client.connected) this.#world.violate(`${client.name} is not connected`);
      else if (!owners.some((owner) => client.shard === `SHARD auto/${owner}`)) {
        this.#world.violate(`${client.name} is on ${client.shard}, and its owner is ${owners.join(" or ")}`);
      }
    }
    if (this.#traits.has("scaling") && this.#rollout.kind === "none") await this.#judgeGuests(ring);
    if (this.#world.violations.length > 0) return;
    for (const problem of this.#recorder?.judge(this.#clients) ?? []) this.#world.violate(problem);
    if (this.#world.violations.length > 0) return;
    await this.#judgeFleeting();
    if (this.#world.violations.length > 0) return;
    for (const channel of ["kept:a", "kept:b"]) {
      const present: number[] = [];
      void this.#world.env.CHANNEL.getByName(channel)
        .presence("", CONTRACT)
        .then((all) => {
          this.#world.note(`present in ${channel}: ${JSON.stringify(all)}`);
          return present.push(all.length);
        });
      await this.#world.run(this.#world.clock.now + 5_000);
      const subscribers = this.#clients.filter((client) => client.channels.includes(channel)).length;
      if (present[0] !== subscribers)
        this.#world.violate(`${channel} has ${present[0]} present and ${subscribers} subscribers`);
    }
  }

  /** Checks that the first owner of a guest's key knows that it may have guests elsewhere (SPEC EL31). */
  async #judgeGuests(ring: Ring): Promise<void> {
    for (const { name, shard } of this.#clients) {
      const owner = ring.owner(name, "auto");
      if (owner === undefined || shard === `SHARD ${objectName(owner)}`) continue;
      const answers: SentByRing[] = [];
      const message = { users: [name], data: "{}", ringEpoch: ring.descriptor.epoch };
      const stub = shardStub(this.#world.env, shardAddress(FIRST_FRONT, owner));
      void stub.sendOwned(message, CONTRACT).then((answer) => answers.push(answer));
      await this.#world.run(this.#world.clock.now + 1_000);
      if (answers[0]?.spilled !== true)
        this.#world.violate(`${owner.id} does not know that ${name} is a guest of ${shard} (SPEC EL31)`);
    }
  }

  /** A publication that nothing disturbs is heard in the channel without history too (SPEC BD100). */
  async #judgeFleeting(): Promise<void> {
    const id = this.#nextId();
    void this.#api.publish({ channel: FLEETING, data: dataOf(id), idempotency_key: id });
    await this.#world.run(this.#world.clock.now + 5_000);
    for (const client of this.#clients) {
      const { release } = this.#world.objects.of(client.shard ?? "").life ?? {};
      if (release?.name === TWO_RELEASES.before.name) continue;
      const heard = client.hearings().filter(({ channel, ended }) => channel === FLEETING && ended !== true);
      for (const one of heard)
        if (one.heard.at(-1)?.id !== id)
          this.#world.violate(`${FLEETING} of ${client.name}: ${id} is missing, which nothing has disturbed`);
    }
  }
}

/** The object that keeps the log of a channel. */
const objectOf = (channel: string): string =>
  channel === BROADCAST ? "COORDINATOR coordinator" : `CHANNEL ${channel}`;
