import { DurableObject } from "cloudflare:workers";
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
  WaitingEvents,
} from "../contracts/log.ts";
import type { CostReport } from "../contracts/cost.ts";
import type { Action, FannedOut, Reached } from "../contracts/orders.ts";
import type { LogView } from "../contracts/publication.ts";
import type { ScaleMode, ScaleReport } from "../contracts/scale.ts";
import { checkContract, CONTRACT, type Served } from "../contracts/version.ts";
import { actOnAll } from "../fanout/fan-out.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { configOf } from "../platform/config.ts";
import { endLife } from "../platform/end-life.ts";
import { refuseNewerStorage } from "../platform/storage.ts";
import { UsageLedger } from "../platform/usage-ledger.ts";
import { countEntries, UsageMeter } from "../platform/usage-meter.ts";
import type { Descriptor } from "../ring/descriptor.ts";
import { askCost } from "./cost.ts";
import { explainOwner } from "./explain.ts";
import { hasSessions } from "./has-sessions.ts";
import { listChannels } from "./list-channels.ts";
import { listSessions } from "./list-sessions.ts";
import { buildParts, type CoordinatorParts } from "./parts.ts";
import { checkPlace } from "./place.ts";
import { answerReport } from "./report-answer.ts";
import { askStatus } from "./status.ts";

/** How long an operator waits for shards that do not answer. */
const ASK_MS = 3_000;
/** How long a broadcast waits for the shards' answers. */
const BROADCAST_WAIT_MS = 5_000;

/**
 * Keeps the membership of a cluster and tells it to every shard; keeps the log of the broadcast channel.
 *
 * Connections and publications never need it: without it the membership stands still, and everything else goes on.
 */
export class Coordinator extends DurableObject<RingcastEnv> implements Served<CoordinatorContract> {
  /** See `Shard.hooks`. */
  static readonly hooks: Hooks = {};
  readonly #parts: CoordinatorParts;
  #awake = false;

  constructor(ctx: DurableObjectState, env: RingcastEnv) {
    super(ctx, env);
    const { hooks }: typeof Coordinator = new.target;
    const usage = new UsageLedger(new UsageMeter(this, ctx), Date.now());
    refuseNewerStorage(ctx.storage);
    const config = configOf(env);
    checkPlace(ctx, env, config.cluster.shards.jurisdiction);
    this.#parts = buildParts({ ctx, env, config, hooks, usage });
  }

  descriptor(contract: number): Descriptor {
    this.#answer(contract);
    return descriptorFor(contract, this.#parts.store.descriptor);
  }

  change(request: ChangeRequest, contract: number): Promise<ChangeAnswer> {
    this.#answer(contract);
    // With the epoch, in one turn: neither a crash nor a look of the policy may come in between.
    const onCommit = () => this.#parts.scaling.touched(request.change);
    return this.#parts.changes.change(request, { onCommit });
  }

  report({ shard: sent, status, moves, failed }: ReportRequest, contract: number): ReportAnswer {
    this.#answer(contract);
    const shard = readAddress(sent);
    this.#parts.store.keepReport(shard, { status, moves, at: Date.now() }, this.#parts.members.fronts);
    for (const done of moves) this.#parts.live.say({ kind: "moved", at: Date.now(), ...done });
    this.#parts.broadcasts.forgetLeft(this.#parts.log, this.#parts.members.holderKeys());
    this.#parts.scaling.callersSaw(failed, Date.now());
    if (status.load !== undefined) this.ctx.waitUntil(this.#parts.scaling.look(Date.now()));
    if (this.#parts.members.isDown(shard))
      this.ctx.waitUntil(this.#parts.outages.look(shard.region, Date.now()));
    const { scale } = this.#parts.config.cluster;
    return answerReport(
      { shard, status },
      { store: this.#parts.store, members: this.#parts.members, scale, contract },
    );
  }

  async drained(id: string, contract: number): Promise<void> {
    this.#answer(contract);
    const draining = () =>
      this.#parts.store.descriptor.shards.find((shard) => shard.id === id && shard.state === "draining");
    const shard = draining();
    if (shard === undefined) return;
    const objects = this.#parts.members.objectsOf(shard);
    // The only front has said so itself.
    if (objects.length > 1 && (await hasSessions(this.env, objects, ASK_MS))) return;
    // An operator may have taken it back while its fronts were asked, or in a change that is not made yet.
    await this.#parts.changes.change(
      { change: { kind: "remove", id }, dryRun: false, by: "the shard, empty" },
      { isStillWanted: () => draining() !== undefined },
    );
  }

  async unreachable(region: string, contract: number): Promise<Descriptor> {
    this.#answer(contract);
    await this.#parts.outages.look(region, Date.now());
    return descriptorFor(contract, this.#parts.store.descriptor);
  }

  cluster(contract: number): Promise<ClusterReport> {
    this.#answer(contract);
    const cluster = {
      store: this.#parts.store,
      members: this.#parts.members,
      joining: this.#parts.scaling.joining(),
    };
    return askStatus(this.env, { ...cluster, waitMs: ASK_MS, contract });
  }

  scale(contract: number): ScaleReport {
    this.#answer(contract);
    return this.#parts.scaling.report();
  }

  chooseScaleMode(choice: { mode: ScaleMode; by: string }, contract: number): Promise<boolean> {
    this.#answer(contract);
    return this.#parts.scaling.choose(choice, Date.now());
  }

  cost(contract: number): Promise<CostReport> {
    this.#answer(contract);
    const parts = {
      store: this.#parts.store,
      members: this.#parts.members,
      waitMs: ASK_MS,
      usage: this.#parts.usage,
    };
    return askCost(this.env, parts);
  }

  epochs(limit: number, contract: number): EpochReport[] {
    this.#answer(contract);
    return this.#parts.store.epochs(limit);
  }

  watch(until: number, contract: number): Promise<void> {
    this.#answer(contract);
    return this.#parts.live.watch(until);
  }

  explain(key: string, clientRegion: string, contract: number): OwnerReport {
    this.#answer(contract);
    return explainOwner(this.#parts.store, key, clientRegion);
  }

  sessionsOf(user: string, contract: number): Promise<UserSessions> {
    this.#answer(contract);
    return listSessions(this.env, this.#parts.members.holders(), { user, waitMs: ASK_MS });
  }

  sessionsOfOrId(userOrId: string, contract: number): Promise<UserSessions> {
    this.#answer(contract);
    const asked = { user: userOrId, orId: true, waitMs: ASK_MS };
    return listSessions(this.env, this.#parts.members.holders(), asked);
  }

  act(action: Action, contract: number): Promise<FannedOut<Reached>> {
    this.#answer(contract);
    return actOnAll(this.env, action, { targets: this.#parts.members.holders(), waitMs: ASK_MS });
  }

  channels(pattern: string, contract: number): Promise<ChannelList> {
    this.#answer(contract);
    const { channelNames: names } = this.#parts.config.cluster.limits;
    return listChannels(this.env, this.#parts.members.holders(), { pattern, names, waitMs: ASK_MS });
  }

  register(shard: SentAddress, listening: Listening | null, contract: number): Registration | null {
    this.#answer(contract);
    return this.#parts.log.register(shard, listening);
  }

  view(after: number, contract: number): LogView {
    this.#answer(contract);
    return this.#parts.log.view(after);
  }

  history(query: HistoryQuery, contract: number): HistoryResult {
    this.#answer(contract);
    return this.#parts.log.history(query);
  }

  removeHistory(contract: number): void {
    this.#answer(contract);
    this.#parts.log.removeHistory();
  }

  waitingEvents(contract: number): WaitingEvents {
    this.#answer(contract);
    return this.#parts.events.backlog;
  }

  async broadcast(publication: PublishRequest, report: boolean, contract: number): Promise<BroadcastAnswer> {
    this.#answer(contract);
    const startedAt = Date.now();
    const shards = this.#parts.members.holders();
    for (const shard of shards) this.#parts.log.enlist(shard);
    const before = this.#parts.log.top;
    const result = this.#parts.log.publish(publication);
    const isNew = result.refused === null && this.#parts.log.top > before;
    const watched = { offset: result.offset, shards, waitMs: BROADCAST_WAIT_MS };
    const outcomes =
      report && isNew
        ? await this.#parts.broadcasts.watch(watched, (key) => this.#parts.members.holderKeys().has(key))
        : null;
    return { ...result, outcomes, ms: Date.now() - startedAt };
  }

  async elapse(contract: number): Promise<void> {
    this.#answer(contract);
    await this.alarm();
  }

  crash(): void {
    this.ctx.abort("crashed by the operator");
  }

  override async alarm(): Promise<void> {
    this.#wake();
    await this.#parts.timetable.run(Date.now(), async (duty) => {
      if (duty === "scale") {
        await this.#parts.scaling.look(Date.now());
        return undefined;
      }
      if (duty === "regions") return this.#parts.outages.run(Date.now());
      if (duty === "events") return this.#parts.events.run(Date.now());
      return duty === "tell" ? this.#parts.changes.retry() : this.#parts.log.run(duty);
    });
  }

  #answer(contract: number): void {
    if (contract !== CONTRACT) checkContract(contract);
    this.#wake();
  }

  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    try {
      this.ctx.waitUntil(this.#parts.timetable.wake());
      this.ctx.waitUntil(this.#parts.outages.wake(Date.now()));
      this.#parts.events.wake();
      this.#parts.changes.wake();
      this.#parts.log.wake();
    } catch (error) {
      endLife(this.ctx, "the coordinator could not wake", { error });
    }
  }
}

countEntries(Coordinator);
