import { DurableObject } from "cloudflare:workers";
import type { Config } from "../config/config.ts";
import { readAddress, type SentAddress } from "../contracts/address.ts";
import type { ChangeAnswer, ChangeRequest } from "../contracts/change.ts";
import type {
  BroadcastAnswer,
  ChannelList,
  ClusterReport,
  CoordinatorContract,
  EpochReport,
  OwnerReport,
  ReportAnswer,
  ReportRequest,
  UserSessions,
} from "../contracts/coordinator.ts";
import { descriptorFor } from "../contracts/descriptor.ts";
import type {
  HistoryQuery,
  HistoryResult,
  Listening,
  PublishRequest,
  Registration,
} from "../contracts/log.ts";
import type { CostReport } from "../contracts/cost.ts";
import type { Action, FannedOut, Reached } from "../contracts/orders.ts";
import type { LogView } from "../contracts/publication.ts";
import type { ScaleMode, ScaleReport } from "../contracts/scale.ts";
import { checkContract, CONTRACT, type Served } from "../contracts/version.ts";
import { Events } from "../events/events.ts";
import { actOnAll } from "../fanout/fan-out.ts";
import type { Hooks } from "../hooks/hooks.ts";
import type { LogDuty } from "../log/channel-log-parts.ts";
import { ChannelLog } from "../log/channel-log.ts";
import { configOf } from "../platform/config.ts";
import { configuredDescriptor } from "../platform/configured.ts";
import { frontsOf } from "../platform/fronts.ts";
import { refuseNewerStorage } from "../platform/storage.ts";
import { Timetable } from "../platform/timetable.ts";
import { UsageLedger } from "../platform/usage-ledger.ts";
import { countEntries, UsageMeter } from "../platform/usage-meter.ts";
import type { Descriptor } from "../ring/descriptor.ts";
import { askCost } from "./cost.ts";
import { Broadcasts } from "./broadcasts.ts";
import { Changes } from "./changes.ts";
import { explainOwner } from "./explain.ts";
import { hasSessions } from "./has-sessions.ts";
import { listChannels } from "./list-channels.ts";
import { listSessions } from "./list-sessions.ts";
import { Live } from "./live.ts";
import { Members } from "./members.ts";
import { Outages } from "./outages.ts";
import { checkPlace } from "./place.ts";
import { answerReport } from "./report-answer.ts";
import { Scaling } from "./scaling.ts";
import { askStatus } from "./status.ts";
import { Store } from "./store.ts";

/** How long an operator waits for shards that do not answer. */
const ASK_MS = 3_000;
/** How long a broadcast waits for the shards' answers. */
const BROADCAST_WAIT_MS = 5_000;

type Duty = "tell" | "scale" | "regions" | "events" | LogDuty;

/**
 * Keeps the membership of a cluster and tells it to every shard; keeps the log of the broadcast channel.
 *
 * Connections and publications never need it: without it the membership stands still, and everything else goes on.
 */
export class Coordinator extends DurableObject<Cloudflare.Env> implements Served<CoordinatorContract> {
  /** See `Shard.hooks`. */
  static readonly hooks: Hooks = {};
  readonly #config: Config;
  readonly #store: Store;
  readonly #members: Members;
  readonly #changes: Changes;
  readonly #scaling: Scaling;
  readonly #outages: Outages;
  readonly #live: Live;
  readonly #timetable: Timetable<Duty>;
  readonly #usage: UsageLedger;
  readonly #events: Events;
  /** The broadcast channel's. */
  readonly #log: ChannelLog;
  readonly #broadcasts = new Broadcasts();
  #awake = false;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const { hooks }: typeof Coordinator = new.target;
    const usage = new UsageLedger(new UsageMeter(this, ctx), Date.now());
    refuseNewerStorage(ctx.storage);
    const config = configOf(env);
    checkPlace(ctx, env, config.cluster.shards.jurisdiction);
    const { channel } = config.cluster.broadcast;
    const timetable = new Timetable<Duty>(ctx.storage);
    this.#config = config;
    this.#timetable = timetable;
    this.#usage = usage;
    this.#store = new Store(ctx.storage, { first: configuredDescriptor(config), now: Date.now(), usage });
    this.#members = new Members(this.#store, frontsOf(env));
    this.#live = new Live({ ctx, env, shards: () => this.#members.holders() });
    this.#events = new Events({ ctx, env, config, hooks, timetable, ordered: true });
    this.#log = new ChannelLog({
      ctx,
      env,
      config,
      name: channel,
      namespace: config.broadcast,
      timetable,
      onPublished: this.#events.wants("published")
        ? (body, offset) => this.#events.published(channel, body, offset)
        : undefined,
      onHeard: (shard, offset, sessions) => this.#broadcasts.heard(shard, offset, sessions),
    });
    this.#changes = new Changes({
      env,
      config,
      timetable,
      store: this.#store,
      members: this.#members,
      events: this.#events,
      live: this.#live,
      renew: (shard) => this.#log.renew(shard),
      waitUntil: (promise) => ctx.waitUntil(promise),
    });
    const ring = { store: this.#store, members: this.#members, changes: this.#changes };
    this.#scaling = new Scaling({ ...ring, storage: ctx.storage, config, timetable, live: this.#live });
    const { times } = config.cluster;
    this.#outages = new Outages({ ...ring, storage: ctx.storage, env, times, timetable });
  }

  descriptor(contract: number): Descriptor {
    this.#answer(contract);
    return descriptorFor(contract, this.#store.descriptor);
  }

  async change(request: ChangeRequest, contract: number): Promise<ChangeAnswer> {
    this.#answer(contract);
    const answer = await this.#changes.change(request);
    if (answer.kind === "done" && answer.result.changed && !request.dryRun)
      this.#scaling.touched(request.change);
    return answer;
  }

  report({ shard: sent, status, moves, failed }: ReportRequest, contract: number): ReportAnswer {
    this.#answer(contract);
    const shard = readAddress(sent);
    this.#store.keepReport(shard, { status, moves, at: Date.now() }, this.#members.fronts);
    for (const done of moves) this.#live.say({ kind: "moved", at: Date.now(), ...done });
    this.#broadcasts.forgetLeft(this.#log, this.#members.holderKeys());
    this.#scaling.callersSaw(failed, Date.now());
    if (status.load !== undefined) this.ctx.waitUntil(this.#scaling.look(Date.now()));
    if (this.#members.isDown(shard)) this.ctx.waitUntil(this.#outages.look(shard.region, Date.now()));
    const { scale } = this.#config.cluster;
    return answerReport({ shard, status }, { store: this.#store, members: this.#members, scale, contract });
  }

  async drained(id: string, contract: number): Promise<void> {
    this.#answer(contract);
    const draining = () =>
      this.#store.descriptor.shards.find((shard) => shard.id === id && shard.state === "draining");
    const shard = draining();
    if (shard === undefined) return;
    const objects = this.#members.objectsOf(shard);
    // The only front has said so itself.
    if (objects.length > 1 && (await hasSessions(this.env, objects, ASK_MS))) return;
    // An operator may have taken it back while its fronts were asked.
    if (draining() === undefined) return;
    await this.#changes.change({ change: { kind: "remove", id }, dryRun: false, by: "the shard, empty" });
  }

  async unreachable(region: string, contract: number): Promise<Descriptor> {
    this.#answer(contract);
    await this.#outages.look(region, Date.now());
    return descriptorFor(contract, this.#store.descriptor);
  }

  cluster(contract: number): Promise<ClusterReport> {
    this.#answer(contract);
    const cluster = { store: this.#store, members: this.#members, joining: this.#scaling.joining() };
    return askStatus(this.env, { ...cluster, waitMs: ASK_MS, contract });
  }

  scale(contract: number): ScaleReport {
    this.#answer(contract);
    return this.#scaling.report();
  }

  chooseScaleMode(mode: ScaleMode, contract: number): Promise<boolean> {
    this.#answer(contract);
    return this.#scaling.choose(mode, Date.now());
  }

  cost(contract: number): Promise<CostReport> {
    this.#answer(contract);
    const parts = { store: this.#store, members: this.#members, waitMs: ASK_MS, usage: this.#usage };
    return askCost(this.env, parts);
  }

  epochs(limit: number, contract: number): EpochReport[] {
    this.#answer(contract);
    return this.#store.epochs(limit);
  }

  watch(until: number, contract: number): Promise<void> {
    this.#answer(contract);
    return this.#live.watch(until);
  }

  explain(key: string, clientRegion: string, contract: number): OwnerReport {
    this.#answer(contract);
    return explainOwner(this.#store, key, clientRegion);
  }

  sessionsOf(user: string, contract: number): Promise<UserSessions> {
    this.#answer(contract);
    return listSessions(this.env, this.#members.holders(), { user, waitMs: ASK_MS });
  }

  act(action: Action, contract: number): Promise<FannedOut<Reached>> {
    this.#answer(contract);
    return actOnAll(this.env, action, { targets: this.#members.holders(), waitMs: ASK_MS });
  }

  channels(pattern: string, contract: number): Promise<ChannelList> {
    this.#answer(contract);
    const { channelNames: names } = this.#config.cluster.limits;
    return listChannels(this.env, this.#members.holders(), { pattern, names, waitMs: ASK_MS });
  }

  register(shard: SentAddress, listening: Listening | null, contract: number): Registration | null {
    this.#answer(contract);
    return this.#log.register(shard, listening);
  }

  view(after: number, contract: number): LogView {
    this.#answer(contract);
    return this.#log.view(after);
  }

  history(query: HistoryQuery, contract: number): HistoryResult {
    this.#answer(contract);
    return this.#log.history(query);
  }

  removeHistory(contract: number): void {
    this.#answer(contract);
    this.#log.removeHistory();
  }

  async broadcast(publication: PublishRequest, report: boolean, contract: number): Promise<BroadcastAnswer> {
    this.#answer(contract);
    const startedAt = Date.now();
    const shards = this.#members.holders();
    for (const shard of shards) this.#log.enlist(shard);
    const before = this.#log.top;
    const result = this.#log.publish(publication);
    const isNew = result.refused === null && this.#log.top > before;
    const watched = { offset: result.offset, shards, waitMs: BROADCAST_WAIT_MS };
    const outcomes =
      report && isNew
        ? await this.#broadcasts.watch(watched, (key) => this.#members.holderKeys().has(key))
        : null;
    return { ...result, outcomes, ms: Date.now() - startedAt };
  }

  crash(): void {
    this.ctx.abort("crashed by the operator");
  }

  override async alarm(): Promise<void> {
    this.#wake();
    await this.#timetable.run(Date.now(), async (duty) => {
      if (duty === "scale") {
        await this.#scaling.look(Date.now());
        return undefined;
      }
      if (duty === "regions") return this.#outages.run(Date.now());
      if (duty === "events") return this.#events.run(Date.now());
      return duty === "tell" ? this.#changes.retry() : this.#log.run(duty);
    });
  }

  #answer(contract: number): void {
    if (contract !== CONTRACT) checkContract(contract);
    this.#wake();
  }

  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.ctx.waitUntil(this.#timetable.wake());
    this.ctx.waitUntil(this.#outages.wake(Date.now()));
    this.#log.wake();
  }
}

countEntries(Coordinator);
