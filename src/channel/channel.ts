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
} from "../contracts/log.ts";
import {
  RELEASE_BEFORE_LIMIT,
  type PresenceCount,
  type PresenceLimit,
  type PresenceList,
} from "../contracts/presence.ts";
import type { LogView, Present } from "../contracts/publication.ts";
import { checkContract, CONTRACT, type Served } from "../contracts/version.ts";
import { Events } from "../events/events.ts";
import type { Hooks } from "../hooks/hooks.ts";
import type { LogDuty } from "../log/channel-log-parts.ts";
import { ChannelLog } from "../log/channel-log.ts";
import { configOf } from "../platform/config.ts";
import { refuseNewerStorage } from "../platform/storage.ts";
import { Timetable } from "../platform/timetable.ts";
import { parseChannel, namespaceOf } from "../policy/channels.ts";
import { Announcements } from "./announcements.ts";
import { countPresent, listPresence } from "./channel-presence.ts";
import { HeldLeaves } from "./held-leaves.ts";
import { Occupancy } from "./occupancy.ts";

/**
 * One channel: its log, and the shards that have its clients.
 *
 * Addressed by the channel's name, so it stays where it is when the ring changes.
 */
export class Channel extends DurableObject<Cloudflare.Env> implements Served<ChannelContract> {
  /** See `Shard.hooks`. */
  static readonly hooks: Hooks = {};
  readonly #name: string;
  readonly #log: ChannelLog;
  readonly #announcements = new Announcements(Date.now());
  readonly #heldLeaves: HeldLeaves;
  readonly #timetable: Timetable<LogDuty | "events" | "vacant">;
  readonly #events: Events;
  readonly #occupancy: Occupancy;
  #awake = false;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const { hooks }: typeof Channel = new.target;
    if (ctx.id.name === undefined) throw new Error("a channel is addressed by its name");
    refuseNewerStorage(ctx.storage);
    const config: Config = configOf(env);
    const { limits, times } = config.cluster;
    this.#name = ctx.id.name;
    const timetable = new Timetable<LogDuty | "events" | "vacant">(ctx.storage);
    this.#timetable = timetable;
    this.#events = new Events({ ctx, env, config, hooks, timetable, ordered: true });
    const parsed = parseChannel(this.#name, limits.channelBytes);
    this.#log = new ChannelLog({
      ctx,
      env,
      config,
      name: this.#name,
      namespace: parsed.ok ? namespaceOf(config, parsed.channel) : undefined,
      timetable,
      onPublished: this.#events.wants("published")
        ? (body, offset) => this.#events.published(this.#name, body, offset)
        : undefined,
      onForgotten: () => this.#occupancy.left(),
    });
    this.#occupancy = new Occupancy({
      ctx,
      channel: this.#name,
      events: this.#events,
      timetable,
      graceMs: times.vacatedGraceMs,
      shards: () => this.#log.size,
    });
    this.#heldLeaves = new HeldLeaves(times.movedLeaveHoldMs, ({ kind, body }) =>
      this.#log.tell({ kind, body }),
    );
  }

  register(shard: SentAddress, listening: Listening | null, contract: number): Registration | null {
    this.#answer(contract);
    const registration = this.#log.register(shard, listening);
    if (registration !== null) this.#occupancy.entered();
    return registration;
  }

  async settle(shardKey: string, contract: number): Promise<boolean> {
    this.#answer(contract);
    const registered = await this.#log.probe(shardKey);
    if (!registered) this.#occupancy.settle();
    return registered;
  }

  publish(publication: PublishRequest, contract: number): PublishResult {
    this.#answer(contract);
    return this.#log.publish(publication);
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

  announce(events: readonly PresenceEvent[], contract: number): void {
    this.#answer(contract);
    if (!this.#announcements.take(events, Date.now())) return;
    for (const event of events) {
      if (this.#heldLeaves.pass(event)) this.#log.tell({ kind: event.kind, body: event.body });
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
    await this.#timetable.run(Date.now(), async (duty) => {
      if (duty === "events") return this.#events.run(Date.now());
      if (duty === "vacant") return this.#occupancy.run(Date.now());
      return this.#log.run(duty);
    });
  }

  crash(): void {
    this.ctx.abort("crashed by the operator");
  }

  get #presence() {
    return { env: this.env, channel: this.#name };
  }

  #shardsBut(except: string): ShardAddress[] {
    return this.#log.shards().filter((shard) => addressKey(shard) !== except);
  }

  #answer(contract: number): void {
    if (contract !== CONTRACT) checkContract(contract);
    this.#wake();
  }

  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.ctx.waitUntil(this.#timetable.wake());
    this.#log.wake();
  }
}
