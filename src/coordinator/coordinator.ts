import { DurableObject } from "cloudflare:workers";
import type { Config } from "../config.ts";
import { Feed, type FeedDuty } from "../log/channel-log.ts";
import { Events } from "../events/events.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { configOf } from "../platform/config.ts";
import { configuredDescriptor } from "../platform/configured.ts";
import { fanOut, type FannedOut } from "../fanout/fan-out.ts";
import { idOf, shardRef, type ShardRef } from "../platform/stubs.ts";
import { Timetable } from "../platform/timetable.ts";
import type {
  HistoryQuery,
  HistoryResult,
  PublishOrder,
  PublishResult,
  Registration,
} from "../contracts/delivery.ts";
import type { Action } from "../contracts/fanout.ts";
import type {
  ChangeAnswer,
  ClusterReport,
  EpochReport,
  MovesReport,
  OwnerReport,
  PredictedMoves,
  ShardReport,
  ShardStatus,
  UserSessions,
} from "../contracts/membership.ts";
import type { LogView, Position } from "../log/recovery.ts";
import { buildRing } from "../ring/build.ts";
import { digest, type Descriptor } from "../ring/descriptor.ts";
import { diff } from "../ring/diff.ts";
import { Broadcasts, type ShardOutcome } from "./broadcasts.ts";
import { askAll } from "../fanout/ask-all.ts";
import { Live } from "./live.ts";
import { planChange, type Change } from "./plan-change.ts";
import { Store } from "./store.ts";

/** How long an operator waits for shards that do not answer. */
const ASK_MS = 3_000;
const TELL_MS = 5_000;
/** How long a broadcast waits for the shards' answers. */
const BROADCAST_WAIT_MS = 5_000;
/** Between two attempts to tell a shard: doubling from the first to the last. */
const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 60_000;

export type ChannelList = {
  readonly channels: Readonly<Record<string, number>>;
  /** There are more than may be listed. */
  readonly truncated: boolean;
  readonly unreachable: readonly string[];
};

export type BroadcastAnswer = PublishResult & {
  /** Null where nobody asked for them, or nothing was sent: the publication is an earlier one. */
  readonly outcomes: readonly ShardOutcome[] | null;
  readonly ms: number;
};

export type ChangeOrder = {
  readonly change: Change;
  readonly dryRun: boolean;
  /** Who wants it, for the record. */
  readonly by: string;
};

/**
 * Keeps the membership of a cluster, and tells every shard of it.
 *
 * No connection and no publication needs it: without it the membership stands still, and nothing else.
 */
export class Coordinator extends DurableObject<Cloudflare.Env> {
  /** See `Shard.hooks`. */
  static readonly hooks: Hooks = {};
  readonly #config: Config;
  readonly #store: Store;
  readonly #live: Live;
  readonly #timetable: Timetable<"tell" | "events" | FeedDuty>;
  readonly #events: Events;
  /** The broadcast channel. */
  readonly #feed: Feed;
  readonly #broadcasts = new Broadcasts();
  #awake = false;
  #retryMs = RETRY_FIRST_MS;
  /** The end of the changes that were asked for: each sees the one before. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#config = configOf(env);
    this.#store = new Store(ctx.storage, configuredDescriptor(this.#config), Date.now());
    this.#timetable = new Timetable(ctx.storage);
    this.#live = new Live({ ctx, env, shards: () => this.#holders() });
    const { hooks }: typeof Coordinator = new.target;
    const timetable = this.#timetable;
    this.#events = new Events({ ctx, env, config: this.#config, hooks, timetable, ordered: true });
    this.#feed = new Feed({
      ctx,
      env,
      config: this.#config,
      name: this.#config.cluster.broadcast.channel,
      namespace: this.#config.broadcast,
      timetable: this.#timetable,
      onPublished: (body, offset) =>
        this.#events.published(this.#config.cluster.broadcast.channel, body, offset),
      onHeard: (shard, offset, sessions) => this.#broadcasts.heard(shard, offset, sessions),
    });
  }

  descriptor(): Descriptor {
    return this.#store.descriptor;
  }

  /** Carries out a change, or with `dryRun` says exactly what it would do, and does nothing (SPEC MB5). */
  change(order: ChangeOrder): Promise<ChangeAnswer> {
    const answer = this.#changes.then(() => this.#change(order));
    this.#changes = answer.catch(() => undefined);
    return answer;
  }

  /** A shard tells what it counts. Answers with the present descriptor where the shard has another. */
  report(report: { shard: ShardRef; status: ShardStatus; moves: readonly MovesReport[] }): {
    readonly descriptor: Descriptor | null;
  } {
    const { shard, status, moves } = report;
    this.#store.keepReport(shard.name, { status, moves, at: Date.now() });
    for (const done of moves) this.#live.say({ kind: "moved", at: Date.now(), ...done });
    this.#forgetWhoLeft();
    const { descriptor } = this.#store;
    return { descriptor: digest(descriptor) === status.digest ? null : descriptor };
  }

  /** A draining shard is empty, and leaves. Late or repeated, it changes nothing. */
  async drained(id: string): Promise<void> {
    const shard = this.#store.descriptor.shards.find((one) => one.id === id);
    if (shard?.state !== "draining") return;
    await this.change({ change: { kind: "remove", id }, dryRun: false, by: "the shard, empty" });
  }

  /** The cluster as of now. A shard that does not answer shows what it last reported. */
  async cluster(): Promise<ClusterReport> {
    const { descriptor } = this.#store;
    const ring = buildRing(descriptor);
    const share = ring.share();
    const now = Date.now();
    const { answers } = await askAll(this.env, this.#holders(), {
      waitMs: ASK_MS,
      ask: (stub): Promise<ShardStatus> => stub.status(),
    });
    const seen = ({ name }: ShardRef): Pick<ShardReport, "status" | "seenAgeMs" | "reachable"> => {
      const fresh = answers.get(name);
      if (fresh !== undefined) return { status: fresh, seenAgeMs: 0, reachable: true };
      const last = this.#store.lastReport(name);
      return {
        status: last?.status ?? null,
        seenAgeMs: last === undefined ? null : now - last.at,
        reachable: false,
      };
    };
    const members = ring.descriptor.shards.map((shard) => ({
      ...shard,
      share: share.get(shard.id) ?? 0,
      ...seen(shardRef(shard)),
    }));
    const leaving = this.#store.leaving().map((shard) => ({
      id: idOf(shard.name),
      region: shard.region,
      weight: 0,
      state: "leaving" as const,
      share: 0,
      ...seen(shard),
    }));
    return {
      ringEpoch: descriptor.epoch,
      digest: ring.digest,
      seed: descriptor.seed,
      defaultRegion: descriptor.defaultRegion,
      shards: [...members, ...leaving],
      untold: this.#store.untold().map(({ name }) => idOf(name)),
    };
  }

  /** The last `limit` epochs, the newest first. */
  epochs(limit: number): EpochReport[] {
    return this.#store.epochs(limit);
  }

  /** Somebody watches the live feed until then. */
  watch(until: number): Promise<void> {
    return this.#live.watch(until);
  }

  explain(key: string, clientRegion: string): OwnerReport {
    const { descriptor } = this.#store;
    const before = this.#store.at(descriptor.epoch - 1);
    const previous = before === undefined ? undefined : buildRing(before).owner(key, clientRegion);
    return { ...buildRing(descriptor).explain(key, clientRegion), previousOwner: previous?.id ?? null };
  }

  /** Every session of a user, wherever its key has put it. */
  async sessionsOf(user: string): Promise<UserSessions> {
    const { answers, silent } = await askAll(this.env, this.#holders(), {
      waitMs: ASK_MS,
      ask: (stub): Promise<UserSessions["sessions"]> => stub.sessionsOf(user),
    });
    return { sessions: [...answers.values()].flat(), unreachable: silent.map(idOf) };
  }

  /** Has something done with the sessions of users on every shard: the fan-out mode. */
  async act(action: Action): Promise<FannedOut> {
    const targets = this.#holders();
    // What is sent is sent at most once; everything else may safely be said twice.
    return fanOut(
      this.env,
      { kind: "act", action },
      { targets, waitMs: ASK_MS, repeat: action.kind !== "send" },
    );
  }

  /** What shards say of the channels that they listen to: sessions by channel, summed over the shards. */
  async channels(pattern: string): Promise<ChannelList> {
    const limit = this.#config.cluster.limits.channelNames;
    const { answers, silent } = await askAll(this.env, this.#holders(), {
      waitMs: ASK_MS,
      ask: (stub): Promise<Record<string, number>> => stub.channelsHere(pattern, limit),
    });
    const channels = new Map<string, number>();
    let truncated = false;
    for (const part of answers.values()) {
      const names = Object.entries(part);
      truncated ||= names.length >= limit;
      for (const [name, clients] of names) {
        if (channels.size < limit || channels.has(name)) {
          channels.set(name, (channels.get(name) ?? 0) + clients);
        } else truncated = true;
      }
    }
    return { channels: Object.fromEntries(channels), truncated, unreachable: silent.map(idOf) };
  }

  /** A shard wants to hear broadcasts; see `Channel.register`. */
  register(shard: ShardRef, listening: { readonly position: Position | null } | null): Registration | null {
    this.#wake();
    return this.#feed.register(shard, listening);
  }

  view(after: number): LogView {
    this.#wake();
    return this.#feed.view(after);
  }

  history(query: HistoryQuery): HistoryResult {
    this.#wake();
    return this.#feed.history(query);
  }

  removeHistory(): void {
    this.#wake();
    this.#feed.removeHistory();
  }

  /**
   * Publishes to every session of the cluster. Answers when the publication is durable; with `report` when every
   * shard has said to how many sessions it went, or after 5 s (SPEC FO2, FO3).
   */
  async broadcast(order: PublishOrder, report: boolean): Promise<BroadcastAnswer> {
    this.#wake();
    const startedAt = Date.now();
    const shards = this.#holders();
    for (const shard of shards) this.#feed.enlist(shard);
    const before = this.#feed.top;
    const result = this.#feed.publish(order);
    const isNew = result.refused === null && this.#feed.top > before;
    const outcomes =
      report && isNew
        ? await this.#broadcasts.watch({ offset: result.offset, shards, waitMs: BROADCAST_WAIT_MS }, () =>
            this.#holderNames(),
          )
        : null;
    return { ...result, outcomes, ms: Date.now() - startedAt };
  }

  /** Dies as a crash would have it. For development only. */
  crash(): void {
    this.ctx.abort("crashed by the operator");
  }

  override async alarm(): Promise<void> {
    this.#wake();
    await this.#timetable.run(Date.now(), async (duty) => {
      if (duty === "events") return this.#events.run(Date.now());
      if (duty !== "tell") return this.#feed.run(duty);
      const { pending } = await this.#tell();
      this.#retryMs = pending.length === 0 ? RETRY_FIRST_MS : Math.min(this.#retryMs * 2, RETRY_LAST_MS);
      return pending.length === 0 ? undefined : Date.now() + this.#retryMs;
    });
  }

  async #change({ change, dryRun, by }: ChangeOrder): Promise<ChangeAnswer> {
    const before = this.#store.descriptor;
    const plan = planChange(change, {
      descriptor: before,
      used: this.#store.usedIds(),
      earlier: change.kind === "rollback" ? this.#store.at(change.ringEpoch) : undefined,
      shardsMax: this.#config.cluster.shards.max,
      weight: this.#config.cluster.shards.initialWeight,
    });
    if (plan.kind === "refused") return { result: null, refused: { code: plan.code, message: plan.message } };
    if (plan.kind === "unchanged") {
      return {
        result: {
          changed: false,
          dryRun,
          ringEpoch: before.epoch,
          cause: plan.cause,
          shards: before.shards,
          diff: null,
          predicted: NOTHING_MOVES,
          told: { shards: 0, pending: [] },
        },
        refused: null,
      };
    }
    const { descriptor, cause } = plan;
    const predicted = await this.#predict(descriptor);
    const told = dryRun
      ? { shards: 0, pending: [] }
      : await this.#adopt({ descriptor, cause, by, predicted });
    return {
      result: {
        changed: true,
        dryRun,
        ringEpoch: descriptor.epoch,
        cause,
        shards: descriptor.shards,
        diff: diff(buildRing(before), buildRing(descriptor)),
        predicted,
        told,
      },
      refused: null,
    };
  }

  async #adopt(epoch: { descriptor: Descriptor; cause: string; by: string; predicted: PredictedMoves }) {
    // Also who leaves, and the configured shards, where a cold router asks.
    const listeners = [
      ...epoch.descriptor.shards,
      ...this.#store.descriptor.shards,
      ...configuredDescriptor(this.#config).shards,
    ].map(shardRef);
    // In the same turn as the commit, so that a crash in between cannot forget who is to be told.
    const armed = this.#timetable.arm("tell", Date.now() + RETRY_FIRST_MS + TELL_MS);
    this.#store.commit({ ...epoch, at: Date.now(), tell: listeners });
    const { epoch: ringEpoch, shards } = epoch.descriptor;
    this.#events.record({ type: "shards", ringEpoch, cause: epoch.cause, by: epoch.by, shards });
    await armed;
    this.#retryMs = RETRY_FIRST_MS;
    this.#live.say({ kind: "epoch", at: Date.now(), ...epoch });
    const told = await this.#tell();
    // Who has just joined is to be seen as well.
    this.ctx.waitUntil(this.#live.pass());
    if (told.pending.length === 0) return told;
    await this.#timetable.arm("tell", Date.now() + RETRY_FIRST_MS);
    this.#live.say({ kind: "untold", at: Date.now(), ringEpoch, shards: told.pending });
    return told;
  }

  /** Shows the present descriptor to every shard that does not know it (SPEC MB6). */
  async #tell(): Promise<{ readonly shards: number; readonly pending: readonly string[] }> {
    const { descriptor } = this.#store;
    const holders = this.#holderNames();
    const { answers } = await askAll(this.env, this.#store.untold(), {
      waitMs: TELL_MS,
      ask: async (stub, shard) => {
        const mayHold = holders.has(shard.name);
        await stub.adopt(descriptor, mayHold ? this.#feed.enlist(shard) : undefined);
        this.#store.told(shard.name, descriptor.epoch);
      },
    });
    return { shards: answers.size, pending: this.#store.untold().map(({ name }) => idOf(name)) };
  }

  async #predict(descriptor: Descriptor): Promise<PredictedMoves> {
    const { answers, silent } = await askAll(this.env, this.#holders(), {
      waitMs: ASK_MS,
      ask: (stub): Promise<{ sessions: number; to: Record<string, number> }> => stub.predict(descriptor),
    });
    const from: Record<string, number> = {};
    const to: Record<string, number> = {};
    for (const [name, prediction] of answers) {
      if (prediction.sessions > 0) from[idOf(name)] = prediction.sessions;
      for (const [id, count] of Object.entries(prediction.to)) to[id] = (to[id] ?? 0) + count;
    }
    const moving = Object.values(from).reduce((sum, count) => sum + count, 0);
    return { moving, from, to, unknown: silent.map(idOf) };
  }

  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.#feed.wake();
  }

  /** A shard that has left, empty, hears no broadcasts: nothing is kept for it. */
  #forgetWhoLeft(): void {
    const holders = this.#holderNames();
    for (const { name } of this.#feed.shards()) {
      if (holders.has(name)) continue;
      this.#feed.forget(name);
      this.#broadcasts.left(name);
    }
  }

  #holderNames(): Set<string> {
    return new Set(this.#holders().map(({ name }) => name));
  }

  /** Every shard that may have sessions: the members, and those that left and have not said that they are empty. */
  #holders(): ShardRef[] {
    return [...this.#store.descriptor.shards.map(shardRef), ...this.#store.leaving()];
  }
}

const NOTHING_MOVES: PredictedMoves = { moving: 0, from: {}, to: {}, unknown: [] };
