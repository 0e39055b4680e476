import { decide } from "../../src/elastic/decide.ts";
import type { LoadParts } from "../../src/elastic/load.ts";
import {
  NO_MEMORY,
  type Decision,
  type Member,
  type Memory,
  type ScalePolicy,
} from "../../src/elastic/policy.ts";
import { buildRing } from "../../src/ring/build.ts";

/** How many clients of each region want to be connected, at a time in seconds. */
export type Curve = (seconds: number) => Readonly<Record<string, number>>;

export type PlantOptions = {
  readonly policy: ScalePolicy;
  readonly curve: Curve;
  readonly sessionsPerShard: number;
  readonly upgradesPerSecond: number;
  readonly movesToOneShard: number;
  readonly movesFromOneShard: number;
  /** The part of all clients that have one key. They are all on the key's owner. */
  readonly hotPart?: number;
  /** The clients of the default region that are connected at the beginning. */
  readonly connected?: number;
  /** The times, in seconds, at which every client is disconnected at once. */
  readonly losses?: readonly number[];
  /** Whether a shard reports. */
  readonly answers?: (id: string) => boolean;
};

export type PlantChange = { readonly seconds: number; readonly decision: Decision; readonly shards: number };

const TICK_SECONDS = 5;
const MEAN_SECONDS = 60;
const WEIGHT = 16;
const DEFAULT_REGION = "auto";
/** The next owners take what a full shard cannot. */
const SPILLS_TO = 2;

type Shard = Pick<Member, "id" | "region" | "owner" | "since"> & {
  weight: number;
  state: Member["state"];
  /** By the region of the client. */
  readonly sessions: Map<string, number>;
  /** For lack of room. */
  refused: number;
  /** The part of its rate of upgrades that the shard has used, as a mean over a minute. */
  upgrades: number;
  load: Member["load"];
};

/**
 * A cluster in virtual time: the shipped policy and ring, and a model of how clients connect, leave and move. A client
 * that is refused tries again.
 */
export class Plant {
  readonly #options: PlantOptions;
  readonly changes: PlantChange[] = [];
  memory: Memory = NO_MEMORY;
  seconds = 0;
  /** Attempts to connect that no shard has taken. */
  refused = 0;
  spilled = 0;
  moved = 0;
  /** The time that shards have spent above 90 % of their limit. */
  fullSeconds = 0;
  shardSeconds = 0;
  /** The reason of the last decision. */
  reason = "";
  #isMoving = false;
  #shards: Shard[] = [];
  /** The part of each shard in the ring of its region. */
  #shares: ReadonlyMap<string, number> = new Map();
  #made = 0;
  #askAgainAt: number | undefined;

  constructor(options: PlantOptions) {
    this.#options = options;
    for (let n = 0; n < options.policy.min; n++) this.#add(WEIGHT, DEFAULT_REGION, "operator");
    this.#newRing();
    this.#isMoving = false;
    for (const shard of this.#shards)
      shard.sessions.set(DEFAULT_REGION, this.#shareOf(shard, DEFAULT_REGION) * (options.connected ?? 0));
  }

  get shards(): readonly Readonly<Shard>[] {
    return this.#shards;
  }

  get sessions(): number {
    return sum(this.#shards.map(sessionsOf));
  }

  /** Lets some seconds pass. */
  run(seconds: number): void {
    const until = this.seconds + seconds;
    while (this.seconds < until) this.#tick();
  }

  #add(weight: number, region: string, owner: Member["owner"]): void {
    this.#made += 1;
    this.#shards.push({
      id: `${region}-${this.#made}`,
      region,
      weight,
      state: "active",
      owner,
      since: this.seconds * 1_000,
      sessions: new Map(),
      refused: 0,
      upgrades: 0,
      load: undefined,
    });
  }

  #newRing(): void {
    const shards = this.#shards.map(({ id, weight, state, region }) => ({ id, region, weight, state }));
    this.#shares = buildRing({ epoch: 1, seed: 0, defaultRegion: DEFAULT_REGION, shards }).share();
    this.#isMoving = true;
  }

  /** The part of a region's clients that a shard owns. */
  #shareOf(shard: Shard, clientRegion: string): number {
    const { hotPart = 0 } = this.#options;
    const active = this.#shards.filter(({ state }) => state === "active");
    const serving = active.some(({ region }) => region === clientRegion) ? clientRegion : DEFAULT_REGION;
    const owner = active.find(({ region }) => region === serving);
    const share = shard.region === serving ? (this.#shares.get(shard.id) ?? 0) : 0;
    return share * (1 - hotPart) + (shard === owner ? hotPart : 0);
  }

  #tick(): void {
    const { curve, sessionsPerShard, losses = [], upgradesPerSecond } = this.#options;
    this.seconds += TICK_SECONDS;
    const wanted = curve(this.seconds);
    if (losses.some((at) => at > this.seconds - TICK_SECONDS && at <= this.seconds))
      for (const { sessions } of this.#shards) sessions.clear();
    const budget = new Map(this.#shards.map(({ id }) => [id, upgradesPerSecond * TICK_SECONDS]));
    let left = 0;
    for (const [region, clients] of Object.entries(wanted)) {
      const before = this.#sessionsFrom(region);
      for (const { sessions } of this.#shards)
        if (clients < before) sessions.set(region, ((sessions.get(region) ?? 0) * clients) / before);
      if (this.#isMoving) left += this.#move(region);
      this.#connect(region, clients - Math.min(clients, before), budget);
    }
    for (const shard of this.#shards) {
      const used = 1 - (budget.get(shard.id) ?? 0) / (upgradesPerSecond * TICK_SECONDS);
      shard.upgrades += ((used - shard.upgrades) * TICK_SECONDS) / MEAN_SECONDS;
    }
    if (this.#isMoving && left === 0) {
      this.#isMoving = false;
      this.#askAgainAt = this.seconds * 1_000;
    }
    const full = this.#shards.filter((shard) => sessionsOf(shard) > 0.9 * sessionsPerShard);
    this.fullSeconds += full.length * TICK_SECONDS;
    this.shardSeconds += this.#shards.length * TICK_SECONDS;
    this.#shards = this.#shards.filter((shard) => shard.state === "active" || sessionsOf(shard) >= 1);
    this.#report();
  }

  #sessionsFrom(region: string): number {
    return sum(this.#shards.map(({ sessions }) => sessions.get(region) ?? 0));
  }

  /** Moves some sessions of a region's clients to their owners; answers with how many have moved. */
  #move(region: string): number {
    const { movesToOneShard, movesFromOneShard } = this.#options;
    const total = this.#sessionsFrom(region);
    const away = this.#shards.map(
      (shard) => (shard.sessions.get(region) ?? 0) - this.#shareOf(shard, region) * total,
    );
    const leaving = away.map((more) => Math.min(Math.max(0, more), movesFromOneShard * TICK_SECONDS));
    const missing = away.map((more) => Math.min(Math.max(0, -more), movesToOneShard * TICK_SECONDS));
    const moving = Math.min(sum(leaving), sum(missing));
    if (moving < 1) return 0;
    for (const [n, { sessions }] of this.#shards.entries()) {
      const change = moving * ((missing[n] ?? 0) / sum(missing) - (leaving[n] ?? 0) / sum(leaving));
      sessions.set(region, (sessions.get(region) ?? 0) + change);
    }
    this.moved += moving;
    return moving;
  }

  #connect(region: string, arriving: number, budget: Map<string, number>): void {
    if (arriving <= 0) return;
    const { sessionsPerShard } = this.#options;
    const active = this.#shards.filter(({ state }) => state === "active");
    const take = (shard: Shard, some: number): number => {
      const left = budget.get(shard.id) ?? 0;
      const taken = Math.max(0, Math.min(some, left, sessionsPerShard - sessionsOf(shard)));
      shard.sessions.set(region, (shard.sessions.get(region) ?? 0) + taken);
      budget.set(shard.id, left - taken);
      return taken;
    };
    for (const shard of active) {
      const own = arriving * this.#shareOf(shard, region);
      let left = own - take(shard, own);
      const isFull = sessionsOf(shard) >= sessionsPerShard - 1;
      const next = active.filter((other) => other !== shard && other.region === shard.region);
      // A shard that is called too fast refuses a client, and no other shard takes it (SPEC MB7).
      for (const other of isFull ? next.slice(0, SPILLS_TO) : []) {
        const taken = take(other, left);
        this.spilled += taken;
        left -= taken;
      }
      if (isFull) shard.refused += left;
      this.refused += left;
    }
  }

  #report(): void {
    const { sessionsPerShard, policy, answers = () => true } = this.#options;
    const now = this.seconds * 1_000;
    let asked = this.#askAgainAt !== undefined && now >= this.#askAgainAt;
    for (const shard of this.#shards) {
      if (!answers(shard.id)) continue;
      const sockets = sessionsOf(shard) / sessionsPerShard;
      const { load, upgrades } = shard;
      const isUrgent = shard.refused >= 1 || Math.max(sockets, upgrades) >= policy.mark;
      const changed = load === undefined || load.parts.sockets !== sockets || load.refused > 0;
      if (!isUrgent && (now - (load?.at ?? -Infinity) < policy.reportMs || !changed)) continue;
      const parts: LoadParts = { sockets, upgrades, work: 0, queued: 0 };
      const clients = Object.fromEntries([...shard.sessions].map(([from, some]) => [from, Math.round(some)]));
      shard.load = { at: now, parts, refused: Math.round(shard.refused), clients };
      shard.refused = 0;
      asked = true;
    }
    if (asked) this.#decide(now);
  }

  #decide(now: number): void {
    const { policy } = this.#options;
    const { decision, memory, askAgainAt } = decide({
      members: this.#shards.map(({ id, region, weight, state, owner, since, load }) => ({
        id,
        region,
        weight,
        fullWeight: WEIGHT,
        state,
        owner,
        since,
        ...(load === undefined ? {} : { load }),
      })),
      defaultRegion: DEFAULT_REGION,
      policy,
      memory: this.memory,
      movingUntil: this.#isMoving ? now + policy.reportMs : undefined,
      now,
    });
    this.memory = memory;
    this.#askAgainAt = askAgainAt;
    this.reason = decision.reason;
    if (decision.kind === "hold") return;
    if (decision.kind === "add")
      for (let n = 0; n < decision.count; n++)
        this.#add(Math.max(1, Math.round(WEIGHT * decision.part)), decision.region, "policy");
    else
      for (const shard of this.#shards.filter(({ id }) => decision.ids.includes(id))) {
        if (decision.kind === "step") shard.weight = decision.weight;
        else shard.state = "draining";
      }
    this.#newRing();
    this.changes.push({ seconds: this.seconds, decision, shards: this.#shards.length });
  }
}

/** How often the changes of a run go from growing to shrinking, or back. */
export function turns(changes: readonly PlantChange[]): number {
  const kinds = changes
    .map(({ decision }) => decision.kind)
    .filter((kind) => kind === "add" || kind === "drain");
  return kinds.filter((kind, n) => n > 0 && kind !== kinds[n - 1]).length;
}

const sessionsOf = ({ sessions }: Shard): number => sum([...sessions.values()]);

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
