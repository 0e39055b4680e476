import { DurableObject } from "cloudflare:workers";
import type { Config } from "../config/config.ts";
import { addressKey, type SentAddress, type ShardAddress } from "../contracts/address.ts";
import type { ChannelContract, PresenceEvent } from "../contracts/channel.ts";
import type {
  HistoryQuery,
  HistoryResult,
  Listening,
  PublishRequest,
  PublishResult,
  Registration,
  WaitingEvents,
} from "../contracts/log.ts";
import {
  RELEASE_BEFORE_LIMIT,
  type PresenceCount,
  type PresenceLimit,
  type PresenceList,
} from "../contracts/presence.ts";
import type { LogView, Present } from "../contracts/publication.ts";
import { checkContract, CONTRACT, type Served } from "../contracts/version.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { UntoldUsage } from "../log/untold-usage.ts";
import { noteChannel } from "../platform/clock.ts";
import { configOf } from "../platform/config.ts";
import { endLife } from "../platform/end-life.ts";
import { Failures } from "../platform/failures.ts";
import { refuseOtherJurisdiction } from "../platform/jurisdiction.ts";
import { refuseNewerStorage } from "../platform/storage.ts";
import { countEntries, UsageMeter } from "../platform/usage-meter.ts";
import { Announcements } from "./announcements.ts";
import { countPresent, listPresence } from "./channel-presence.ts";
import { HeldLeaves } from "./held-leaves.ts";
import { openRecords, type Records } from "./records.ts";

/**
 * One channel: its log, and the shards that have its clients.
 *
 * Addressed by the channel's name, so it stays where it is when the ring changes.
 */
export class Channel extends DurableObject<RingcastEnv> implements Served<ChannelContract> {
  /** See `Shard.hooks`. */
  static readonly hooks: Hooks = {};
  readonly #name: string;
  readonly #announcements = new Announcements(Date.now());
  readonly #heldLeaves: HeldLeaves;
  /** The calls to shards that this object has seen fail. */
  readonly #failures = new Failures();
  readonly #usage: UntoldUsage;
  readonly #begin: () => Records;
  #records: Records;
  #awake = false;

  constructor(ctx: DurableObjectState, env: RingcastEnv) {
    super(ctx, env);
    const { hooks }: typeof Channel = new.target;
    if (ctx.id.name === undefined) throw new Error("a channel is addressed by its name");
    this.#usage = new UntoldUsage(new UsageMeter(this, ctx));
    refuseNewerStorage(ctx.storage);
    const config: Config = configOf(env);
    refuseOtherJurisdiction(ctx.id, config.cluster.shards.jurisdiction);
    this.#name = ctx.id.name;
    this.#begin = () =>
      openRecords({
        ctx,
        env,
        config,
        hooks,
        channel: ctx.id.name ?? "",
        onForgotten: () => this.#deleteUnneeded(),
        failures: this.#failures,
        usage: this.#usage,
      });
    this.#records = this.#begin();
    const { times, development } = config.cluster;
    if (development) noteChannel(ctx.id.name ?? "");
    this.#heldLeaves = new HeldLeaves(times.movedLeaveHoldMs, ({ kind, body }) =>
      this.#records.log.tell({ kind, body }),
    );
  }

  register(shard: SentAddress, listening: Listening | null, contract: number): Registration | null {
    this.#answer(contract);
    const registration = this.#records.log.register(shard, listening);
    if (registration === null) return null;
    this.#records.occupancy.entered();
    return contract < CONTRACT ? registration : { ...registration, ...this.#usage.tell(Date.now()) };
  }

  async settle(shardKey: string, contract: number): Promise<boolean> {
    this.#answer(contract);
    const registered = await this.#records.log.probe(shardKey);
    if (!registered) this.#records.occupancy.settle();
    this.#deleteUnneeded();
    return registered;
  }

  publish(publication: PublishRequest, contract: number): PublishResult {
    this.#answer(contract);
    return this.#records.log.publish(publication);
  }

  publishAll(publications: readonly PublishRequest[], contract: number): PublishResult[] {
    this.#answer(contract);
    return this.#records.log.publishAll(publications);
  }

  view(after: number, contract: number): LogView {
    this.#answer(contract);
    return this.#records.log.view(after);
  }

  history(query: HistoryQuery, contract: number): HistoryResult {
    this.#answer(contract);
    return this.#records.log.history(query);
  }

  removeHistory(contract: number): void {
    this.#answer(contract);
    this.#records.log.removeHistory();
  }

  waitingEvents(contract: number): WaitingEvents {
    this.#answer(contract);
    return this.#records.events.backlog;
  }

  announce(events: readonly PresenceEvent[], contract: number): void {
    this.#answer(contract);
    if (!this.#announcements.take(events, Date.now())) return;
    for (const event of events) {
      if (this.#heldLeaves.pass(event)) this.#records.log.tell({ kind: event.kind, body: event.body });
    }
  }

  async presence(except: string, contract: number): Promise<Present[]> {
    this.#answer(contract);
    const list = await listPresence(this.#presence, this.#shardsBut(except), RELEASE_BEFORE_LIMIT);
    if (list.kind === "tooLarge") throw new Error("the channel has more clients than a call can list");
    return [...list.present];
  }

  presenceUpTo(except: string, limit: PresenceLimit, contract: number): Promise<PresenceList> {
    this.#answer(contract);
    return listPresence(this.#presence, this.#shardsBut(except), limit);
  }

  presenceCount(except: string, contract: number): Promise<PresenceCount> {
    this.#answer(contract);
    return countPresent(this.#presence, this.#shardsBut(except));
  }

  override async alarm(): Promise<void> {
    this.#wake();
    await this.#records.timetable.run(Date.now(), async (duty) => {
      if (duty === "events") return this.#records.events.run(Date.now());
      if (duty === "vacant") return this.#records.occupancy.run(Date.now());
      return this.#records.log.run(duty);
    });
    this.#deleteUnneeded();
  }

  async elapse(contract: number): Promise<void> {
    this.#answer(contract);
    await this.alarm();
  }

  crash(): void {
    this.ctx.abort("crashed by the operator");
  }

  get #presence() {
    return { env: this.env, channel: this.#name, failures: this.#failures };
  }

  #shardsBut(except: string): ShardAddress[] {
    return this.#records.log.shards().filter((shard) => addressKey(shard) !== except);
  }

  /** Deletes everything where nobody needs it, and begins as a name that was never used (SPEC BD13). */
  #deleteUnneeded(): void {
    const { log, events, occupancy, timetable } = this.#records;
    if (!log.isUnneeded || !events.isEmpty || occupancy.isOpen || !timetable.isEmpty) return;
    try {
      this.ctx.waitUntil(this.ctx.storage.deleteAll());
      this.#records = this.#begin();
    } catch (error) {
      // The tables that these records believe in may be gone.
      endLife(this.ctx, "the channel could not begin anew", { channel: this.#name, error });
    }
  }

  #answer(contract: number): void {
    if (contract !== CONTRACT) checkContract(contract);
    this.#wake();
  }

  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    try {
      this.ctx.waitUntil(this.#records.timetable.wake());
      this.#records.events.wake();
      this.#records.log.wake();
      this.#deleteUnneeded();
    } catch (error) {
      endLife(this.ctx, "the channel could not wake", { channel: this.#name, error });
    }
  }
}

countEntries(Channel);
